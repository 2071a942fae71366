/**
 * Guarantee 8: no failed query over any number of rotations, long queries included; after an early revocation at most one
 * second of errors; old roles leave the database.
 *
 * `libs/postgres` in this process, the Vault stand-in and a real PostgreSQL. Queries come at a steady rate, every fiftieth of
 * them long, every tenth a transaction; each writes a row. While they do, the login changes as often as its lease says, and
 * then it is revoked from outside a few times. What logins there are is read from PostgreSQL, not from the library.
 */
import { randomBytes } from 'node:crypto';
import { configureFaults } from '@ballast/faults';
import { openDatabase, type LeasedDatabase } from '@ballast/postgres';
import { partUrl, recordingLogger, testDatabase, until, type TestDatabase } from '@ballast/testing';
import { startTestVault, type TestVault } from '@ballast/vault-stand-in/testing';
import { watchLogins, type LoginWatch } from './login-watch.ts';
import { steadyQueries, type QueryLoad } from './query-load.ts';
import type { GuaranteeReport } from './report.ts';

export interface CredentialsSize {
  rotations: number;
  leaseSeconds: number;
  queriesPerSecond: number;
  longQueryMs: number;
  /** Logins revoked from outside, after the rotations. */
  revocations: number;
  /** Defects to plant, comma separated. */
  defects?: string;
  /** How long errors may last after a revocation, in ms, if not the second promised: a small run shares its machine. */
  errorsWithinMs?: number;
}

/** What is promised, in the size that it is promised for. Takes about a minute and a half. */
export const fullSize: CredentialsSize = {
  rotations: 40,
  leaseSeconds: 3,
  queriesPerSecond: 200,
  longQueryMs: 2_000,
  revocations: 5,
};

/** Promised after an early revocation. */
const longestErrorsMs = 1_000;
/** How long the last login may take to leave once the database is closed, in ms: it takes a few. */
const leaveWithinMs = 10_000;
const mostTold = 5;

/** Runs it and judges it; needs PostgreSQL (TEST_POSTGRES_URL). Whatever it starts is gone at the end. */
export async function checkCredentials(size: CredentialsSize): Promise<GuaranteeReport> {
  configureFaults({ labMode: true, faults: '', defects: size.defects ?? '' });
  const test = await testDatabase({ schema: 'credentials', sets: [] });
  // The server is shared: logins are known by the first eight letters of their role's name.
  const service = randomBytes(4).toString('hex');
  const vault = await startTestVault({
    adminUrl: partUrl('POSTGRES'),
    databaseUrl: test.url,
    schema: test.schema,
    service,
    leaseSeconds: size.leaseSeconds,
    // What is not revoked stays, where it could have been gone by itself just as early.
    maxLeaseSeconds: size.leaseSeconds * 10,
  });
  try {
    return await drive(size, vault, test, service);
  } finally {
    configureFaults({ labMode: false, faults: '' });
    await vault.close();
    await test.drop();
  }
}

async function drive(
  size: CredentialsSize,
  vault: TestVault,
  test: TestDatabase,
  service: string,
): Promise<GuaranteeReport> {
  await test.database.query('CREATE TABLE written (id int PRIMARY KEY)');
  const database = await openDatabase(
    {
      POSTGRES_URL: test.url,
      VAULT_ADDR: vault.address,
      VAULT_ROLE_ID: vault.roleId,
      VAULT_SECRET_ID: vault.secretId,
      VAULT_DATABASE_ROLE: vault.databaseRole,
    },
    {
      applicationName: 'credentials',
      logger: recordingLogger().logger,
      maxConnections: 20,
      // A machine that others use as well must not fail this by their doing.
      connectTimeoutMs: 10_000,
      statementTimeoutMs: 10_000,
    },
  );
  const watch = watchLogins({
    adminUrl: partUrl('POSTGRES'),
    prefix: `v-approle-${service}-`,
    leases: () => vault.standIn.leases().length,
    current: () => database.credentials.status().username,
  });
  const startedAt = performance.now();
  try {
    const rotating = steadyQueries(database, size);
    const patienceMs = size.rotations * size.leaseSeconds * 1_000 + 60_000;
    await until('the rotations', () => database.credentials.status().rotations >= size.rotations, patienceMs);
    const rotations = database.credentials.status().rotations;
    await rotating.stop();
    const errorsMs: number[] = [];
    for (let round = 0; round < size.revocations; round += 1) errorsMs.push(await revokeOnce(database, vault, size));
    await database.close();
    const left = await watch.settle(leaveWithinMs);
    const missing = await lostRows(test, rotating.written);
    return {
      figures: {
        seconds: Math.round((performance.now() - startedAt) / 100) / 10,
        rotations,
        queries: rotating.counts.done,
        longQueries: rotating.counts.long,
        leftOut: rotating.counts.leftOut,
        failed: rotating.failures.length,
        slowestMs: Math.round(rotating.counts.slowestMs),
        rowsLost: missing,
        mostLogins: watch.most.logins,
        mostLoginsBeyondLeases: watch.most.beyondLeases,
        loginsLeft: left.length,
        revocations: size.revocations,
        longestErrorsMs: Math.round(Math.max(0, ...errorsMs)),
      },
      violations: [
        ...rotationViolations(rotating, missing),
        ...errorsMs
          .filter((milliseconds) => milliseconds > (size.errorsWithinMs ?? longestErrorsMs))
          .map((milliseconds) => `errors end within a second of a revocation: ${Math.round(milliseconds)} ms`),
        ...loginViolations(watch, left),
      ],
    };
  } finally {
    await database.close();
    await watch.close();
  }
}

/** Revokes the login under queries. Resolves to how long there were errors, in ms. */
async function revokeOnce(database: LeasedDatabase, vault: TestVault, size: CredentialsSize): Promise<number> {
  const queries = steadyQueries(database, { ...size, longQueryMs: 0 });
  const { username } = database.credentials.status();
  await until('queries under it', () => queries.counts.done >= 20);
  const lease = vault.standIn.leases().find((each) => each.username === username);
  // The rotation may have been quicker: then there is nothing to revoke, and nothing fails.
  if (lease !== undefined) await vault.root.write('sys/leases/revoke', { lease_id: lease.leaseId, sync: true });
  await until('another login', () => database.credentials.status().username !== username, 30_000);
  const before = queries.counts.done;
  await until('queries under that', () => queries.counts.done >= before + 20, 30_000);
  await queries.stop();
  const [first, last] = [queries.failures[0], queries.failures.at(-1)];
  return first === undefined || last === undefined ? 0 : last.at - first.at;
}

/** Rows that were acknowledged and are not there. */
async function lostRows(test: TestDatabase, written: readonly number[]): Promise<number> {
  const [row] = await test.database.query<{ count: number }>(
    'SELECT count(*)::int AS count FROM unnest($1::int[]) AS w(id) WHERE NOT EXISTS (SELECT FROM written WHERE id = w.id)',
    [written],
  );
  return row!.count;
}

function rotationViolations({ failures, counts }: QueryLoad, missing: number): string[] {
  return [
    ...failures.slice(0, mostTold).map(({ what, error }) => `no query fails: a ${what} one did: ${error.message}`),
    ...(missing === 0 ? [] : [`what was acknowledged is there: ${missing} rows are not`]),
    ...(counts.long === 0 || counts.leftOut > counts.done ? ['the run is hollow: too few queries'] : []),
  ];
}

function loginViolations(watch: LoginWatch, left: readonly string[]): string[] {
  return [
    ...watch.lingering.slice(0, mostTold).map((text) => `old logins leave the database: ${text}`),
    ...(watch.most.beyondLeases > 1 ? [`logins ≤ leases + 1: there were ${watch.most.beyondLeases} more`] : []),
    ...left.map((name) => `the last login leaves when the database is closed: ${name} has not`),
  ];
}
