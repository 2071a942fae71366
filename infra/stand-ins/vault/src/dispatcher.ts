/** From a path and a verb to the operation that answers: seal first, then who asks, then what is there, as in Vault. */
import { type Answer, nothingThere, permissionDenied, VaultError } from './answers.ts';
import { appRoleOperations } from './approle-operations.ts';
import { databaseOperations } from './database-operations.ts';
import { keyValueOperations } from './key-value-operations.ts';
import { leaseOperations } from './lease-operations.ts';
import { capabilitiesOf, type Operation, type Verb } from './operation.ts';
import { systemOperations } from './system-operations.ts';
import { tokenOperations } from './token-operations.ts';
import { transitOperations } from './transit-operations.ts';
import type { Vault } from './vault.ts';

/** A request as it came in, without HTTP. `path` is what follows `/v1/`. */
export type Incoming = {
  path: string;
  verb: Verb;
  query: Readonly<Record<string, string>>;
  body: unknown;
  secret: string | undefined;
};

const engines: Readonly<Record<string, readonly Operation[]>> = {
  database: databaseOperations,
  kv: keyValueOperations,
  transit: transitOperations,
};

type Found = { operation: Operation; mount: string; parameters: Record<string, string> };

/** Answers a request. @throws VaultError with the status and the sentences Vault has for it. */
export async function dispatch(vault: Vault, incoming: Incoming): Promise<Answer> {
  const { path, verb, query, body, secret } = incoming;
  const place = locate(vault, path);
  const found = place === undefined ? undefined : find(place, verb);
  if ((vault.sealed || vault.mode === 'uninitialised') && found?.operation.whenSealed !== true) {
    throw new VaultError(503, 'Vault is sealed');
  }
  if (found?.operation.open === true) {
    return await found.operation.run({ vault, mount: found.mount, parameters: found.parameters, query, body });
  }
  const caller = vault.tokens.find(secret);
  if (!vault.mayCall(caller, path, capabilitiesOf[verb], found?.operation.sudo ?? false)) throw permissionDenied();
  if (place === undefined) throw new VaultError(404, `no handler for route "${path}". route entry not found.`);
  if (found === undefined) throw unsupported(place);
  return await found.operation.run({ vault, mount: found.mount, parameters: found.parameters, query, body, caller });
}

type Place = { operations: readonly Operation[]; mount: string; below: string };

function locate(vault: Vault, path: string): Place | undefined {
  const [first = '', second = '', ...rest] = path.split('/');
  if (first === 'sys') {
    return { operations: [...systemOperations, ...leaseOperations], mount: 'sys', below: [second, ...rest].join('/') };
  }
  if (first === 'auth') {
    const type = vault.store.state.auths[second]?.type;
    if (type === undefined) return undefined;
    const operations = type === 'token' ? tokenOperations : appRoleOperations;
    return { operations, mount: `auth/${second}`, below: rest.join('/') };
  }
  const operations = engines[vault.store.state.mounts[first]?.type ?? ''];
  return operations === undefined ? undefined : { operations, mount: first, below: [second, ...rest].join('/') };
}

function find({ operations, mount, below }: Place, verb: Verb): Found | undefined {
  for (const operation of operations) {
    const parameters = operation.verb === verb ? operation.match(below) : undefined;
    if (parameters !== undefined) return { operation, mount, parameters };
  }
  return undefined;
}

/** 405 where the path exists with another verb, else 404. */
function unsupported({ operations, below }: Place): VaultError {
  const known = operations.some((operation) => operation.match(below) !== undefined);
  return known ? new VaultError(405, '1 error occurred:\n\t* unsupported operation\n\n') : nothingThere();
}
