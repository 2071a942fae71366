/**
 * Vault in the lab: whose it is (the user's own, or the stand-in of this checkout), which services lease their database
 * login from it, and what each of them is told.
 */
import { join } from 'node:path';
import { ownerRole, schemaOwners, vaultAdministrator } from '../../postgres/bootstrap.ts';
import { bootstrapVault } from '../../vault/bootstrap.ts';
import { localUrl } from './component.ts';
import { loopback } from './ports.ts';
import { describe, LabProblem } from './problem.ts';
import type { Secrets } from './secrets.ts';
import type { ServiceDefinition, TopologyContext } from './topology.ts';

/** What a mesh does about Vault. */
export type VaultPlan = {
  /** As in VAULT_ADDR. */
  address: string;
  /** Root's in the stand-in, the user's own with a real one. */
  token: string;
  /** The process to run; absent with a real Vault. */
  standIn?: ServiceDefinition;
  /** Schema owners that lease; never empty. */
  leased: readonly string[];
  leaseSeconds: number;
  /** The database as Vault reaches it; name and password in it do not count. */
  databaseUrl: string;
  secrets: Secrets;
};

/** Port of the stand-in, as an offset (contract.md). */
export const vaultOffset = 200;

const leasedByDefault = 'identity,bff';
const leaseSecondsByDefault = 3600;
const longestLease = 2_764_800;

/** Reads what the user's environment says about Vault; undefined when no service leases. @throws LabProblem when it makes no sense. */
export function planVault(context: TopologyContext, databaseUrl: string): VaultPlan | undefined {
  const { environment, secrets, portBase } = context;
  const leased = leasedServices(environment['LEASED_SERVICES'] ?? leasedByDefault);
  if (leased.length === 0) return undefined;
  const shared = {
    leased,
    leaseSeconds: leaseSeconds(environment['VAULT_LEASE_SECONDS']),
    databaseUrl: asVaultSeesIt(databaseUrl, environment['VAULT_POSTGRES_HOST']),
    secrets,
  };
  const address = environment['VAULT_ADDR'] ?? '';
  const token = environment['VAULT_TOKEN'] ?? '';
  const isReal = address !== '' && token !== '' && (context.parts === 'auto' || context.parts === 'external');
  if (isReal) return { ...shared, address, token };
  const port = portBase + vaultOffset;
  return {
    ...shared,
    address: localUrl(port),
    token: secrets.vaultRootToken,
    standIn: {
      name: 'vault',
      kind: 'stand-in',
      entry: 'infra/stand-ins/vault/src/main.ts',
      port,
      readyPath: '/v1/sys/health',
      dependsOn: ['postgres'],
      environment: {
        HOST: loopback,
        PORT: String(port),
        LOG_LEVEL: environment['LOG_LEVEL'] ?? 'info',
        DATA_DIR: join(context.dataDirectory, 'data', 'vault'),
        VAULT_ROOT_TOKEN: secrets.vaultRootToken,
      },
    },
  };
}

/** What a service that leases, and gets to Vault by `reach`, is told besides its URL of PostgreSQL; nothing for one that does not. */
export function vaultEnvironment(
  plan: VaultPlan | undefined,
  app: string,
  reach: (address: string) => string = (address) => address,
): Record<string, string> {
  if (plan === undefined || !plan.leased.includes(app)) return {};
  return {
    VAULT_ADDR: reach(plan.address),
    VAULT_ROLE_ID: roleId(app),
    VAULT_SECRET_ID: plan.secrets.vaultSecretIds[app] ?? '',
    VAULT_DATABASE_ROLE: app,
  };
}

/** Prepares Vault, which must be running, for the services of the plan. @throws LabProblem when it cannot be. */
export async function prepareVault(plan: VaultPlan): Promise<void> {
  try {
    await bootstrapVault({
      address: plan.address,
      token: plan.token,
      postgres: {
        url: plan.databaseUrl,
        username: vaultAdministrator,
        password: plan.secrets.postgresRoles[vaultAdministrator] ?? '',
      },
      services: plan.leased.map((name) => {
        const secretId = plan.secrets.vaultSecretIds[name];
        const chosen = secretId === undefined ? {} : { roleId: roleId(name), secretId };
        return { name, owner: ownerRole(name), ...chosen };
      }),
      leaseSeconds: plan.leaseSeconds,
    });
  } catch (error) {
    const fix =
      plan.standIn === undefined
        ? 'see that VAULT_ADDR and VAULT_TOKEN are right and that Vault can reach PostgreSQL (VAULT_POSTGRES_HOST=host:port says where), or unset VAULT_ADDR to use the stand-in'
        : 'its log says more, and "npm start -- --fresh" starts on empty data';
    throw new LabProblem('vault', `${describe(error)}; ${fix}.`, { cause: error });
  }
}

/** Chosen here, because services are told before Vault is prepared. */
function roleId(app: string): string {
  return `ballast-${app}`;
}

function leasedServices(given: string): readonly string[] {
  const names = given.split(',').map((name) => name.trim());
  if (given === 'all') return schemaOwners;
  if (given === 'none' || given === '') return [];
  const unknown = names.find((name) => !schemaOwners.some((owner) => owner === name));
  if (unknown === undefined) return names;
  throw new LabProblem(
    'vault',
    `LEASED_SERVICES names "${unknown}", but may only be all, none, or a comma list of ${schemaOwners.join(', ')}.`,
  );
}

function leaseSeconds(given: string | undefined): number {
  if (given === undefined || given === '') return leaseSecondsByDefault;
  const seconds = Number(given);
  if (/^\d+$/.test(given) && seconds >= 1 && seconds <= longestLease) return seconds;
  throw new LabProblem(
    'vault',
    `VAULT_LEASE_SECONDS is "${given}", but must be a number of seconds from 1 to ${longestLease}; unset it to use ${leaseSecondsByDefault}.`,
  );
}

function asVaultSeesIt(url: string, host: string | undefined): string {
  if (host === undefined || host === '') return url;
  const seen = new URL(url);
  seen.host = host;
  return seen.href;
}
