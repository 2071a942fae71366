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
});

/** Every secret of a lab. */
export type Secrets = Static<typeof schema>;

const checker = Compile(schema);

/** Reads the secrets of a lab, making them first where there are none. @throws LabProblem when the file is damaged. */
export function loadSecrets(path: string, roles: readonly string[]): Secrets {
  const kept = existsSync(path) ? parse(path) : generate();
  const missing = roles.filter((role) => kept.postgresRoles[role] === undefined);
  if (missing.length === 0 && existsSync(path)) return kept;
  const secrets = {
    ...kept,
    postgresRoles: {
      ...kept.postgresRoles,
      ...Object.fromEntries(missing.map((role) => [role, random()])),
    },
  };
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(`${path}.new`, `${JSON.stringify(secrets, null, 2)}\n`, { mode: 0o600 });
  renameSync(`${path}.new`, path);
  return secrets;
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
  };
}

function parse(path: string): Secrets {
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
  if (!checker.Check(value)) throw problem('a secret is missing');
  return value;
}

/** 32 random bytes, safe in a URL and a shell. */
function random(): string {
  return randomBytes(32).toString('base64url');
}
