/** Generated secrets of one lab: made once, kept in a file only its owner can read, never printed. */
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { Type, type Static } from 'typebox';
import { Compile } from 'typebox/compile';
import { LabProblem } from './problem.ts';

const secret = Type.String({ minLength: 16 });

const schema = Type.Object({
  postgresAdmin: secret,
  /** Password of each login role, by role name. */
  postgresRoles: Type.Record(Type.String(), secret),
  redis: secret,
  rabbitmq: secret,
  erlangCookie: secret,
  keyEncryption: secret,
  session: secret,
  stripeSecretKey: secret,
  stripeWebhookSecret: secret,
  paypalClientId: secret,
  paypalClientSecret: secret,
  paypalWebhookId: secret,
  /** Opens everything in Vault's stand-in. */
  vaultRootToken: secret,
  /** What each service logs in to Vault with, by its name. */
  vaultSecretIds: Type.Record(Type.String(), secret),
});

/** Every secret of a lab. */
export type Secrets = Static<typeof schema>;

/** Files written before these joined lack them. */
const kept = Compile(
  Type.Object({
    ...schema.properties,
    ...Type.Partial(Type.Pick(schema, ['vaultRootToken', 'vaultSecretIds'])).properties,
  }),
);

/** Names that need a secret each. */
export type SecretNames = { postgresRoles: readonly string[]; vaultSecretIds: readonly string[] };

/** Reads the secrets of a lab, making them first where there are none. @throws LabProblem when the file is damaged. */
export function loadSecrets(path: string, names: SecretNames): Secrets {
  const exists = existsSync(path);
  const found = { ...generate(), ...(exists ? parse(path) : {}) };
  const secrets = {
    ...found,
    postgresRoles: withEach(found.postgresRoles, names.postgresRoles),
    vaultSecretIds: withEach(found.vaultSecretIds, names.vaultSecretIds),
  };
  const text = `${JSON.stringify(secrets, null, 2)}\n`;
  if (exists && readFileSync(path, 'utf8') === text) return secrets;
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(`${path}.new`, text, { mode: 0o600 });
  renameSync(`${path}.new`, path);
  return secrets;
}

function withEach(secrets: Readonly<Record<string, string>>, names: readonly string[]): Record<string, string> {
  const missing = names.filter((name) => secrets[name] === undefined);
  return { ...secrets, ...Object.fromEntries(missing.map((name) => [name, random()])) };
}

function generate(): Secrets {
  return {
    postgresAdmin: random(),
    postgresRoles: {},
    redis: random(),
    rabbitmq: random(),
    erlangCookie: random(),
    keyEncryption: random(),
    session: random(),
    stripeSecretKey: `sk_test_lab_${random()}`,
    stripeWebhookSecret: `whsec_${random()}`,
    paypalClientId: random(),
    paypalClientSecret: random(),
    paypalWebhookId: random(),
    vaultRootToken: random(),
    vaultSecretIds: {},
  };
}

function parse(path: string): Partial<Secrets> {
  const problem = (why: string): LabProblem =>
    new LabProblem(
      'lab',
      `The lab's secrets in ${path} cannot be used (${why}); start on empty data with "npm start -- --fresh" after deleting that file.`,
    );
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw problem(error instanceof SyntaxError ? 'it is not JSON' : String(error));
  }
  if (!kept.Check(value)) throw problem('a secret is missing');
  return value;
}

/** 32 random bytes, safe in a URL and a shell. */
function random(): string {
  return randomBytes(32).toString('base64url');
}
