/** A database of its own for each test file, and identity on top of it: in this process or as a real one. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Problem, TokenPair, type User } from '@ballast/contracts';
import { createDatabase, type Database } from '@ballast/postgres';
import { createLogger, createMetrics, type App, type HttpServer } from '@ballast/service';
import { Value } from 'typebox/value';
import { buildApp } from '../src/app.ts';
import { readConfig } from '../src/config.ts';

export const issuer = 'http://127.0.0.1:4001';
export const secret = 'a secret for tests that is long enough';

/** A database that is this file's alone. */
export interface TestDatabase extends Database {
  /** URL of a login that owns the schema `identity` and is no superuser. */
  url: string;
  /** Drops database and login. */
  drop(): Promise<void>;
}

/** Creates an empty database on the server of TEST_POSTGRES_URL. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const serverUrl = process.env.TEST_POSTGRES_URL;
  assert.ok(serverUrl, 'TEST_POSTGRES_URL is not set; run: node infra/lab/src/with-parts.ts node --test …');
  const name = `identity_test_${randomBytes(6).toString('hex')}`;
  const password = randomBytes(12).toString('hex');
  const on = (database: string, login?: string): string => {
    const url = new URL(serverUrl);
    url.pathname = `/${database}`;
    if (login !== undefined) [url.username, url.password] = [login, password];
    return url.href;
  };
  const run = async (url: string, statements: readonly string[]): Promise<void> => {
    const connection = createDatabase({
      url,
      applicationName: 'test set-up',
      maxConnections: 1,
      statementTimeoutMs: 30_000,
    });
    try {
      for (const statement of statements) await connection.query(statement);
    } finally {
      await connection.close();
    }
  };
  await run(serverUrl, [`CREATE ROLE ${name} LOGIN PASSWORD '${password}'`, `CREATE DATABASE ${name}`]);
  await run(on(name), [
    `CREATE SCHEMA identity AUTHORIZATION ${name}`,
    `ALTER ROLE ${name} SET search_path = identity`,
  ]);
  const url = on(name, name);
  const database = createDatabase({ url, applicationName: 'test', maxConnections: 20 });
  return {
    ...database,
    url,
    drop: async () => {
      await database.close();
      await run(serverUrl, [`DROP DATABASE ${name} WITH (FORCE)`, `DROP ROLE ${name}`]);
    },
  };
}

/** The environment identity runs in, lab mode off. */
export function environment(databaseUrl: string, changes: Record<string, string> = {}): Record<string, string> {
  return {
    PORT: '0',
    INSTANCE: 'identity-1',
    LOG_LEVEL: 'silent',
    POSTGRES_URL: databaseUrl,
    IDENTITY_URL: issuer,
    KEY_ENCRYPTION_SECRET: secret,
    ...changes,
  };
}

/** Builds identity in this process; `stop` closes it as the end of a process would. */
export async function startIdentity(
  databaseUrl: string,
  changes: Record<string, string> = {},
): Promise<App & { server: HttpServer; stop: () => Promise<void> }> {
  const config = readConfig(environment(databaseUrl, changes));
  const names = { service: 'identity', instance: config.INSTANCE };
  const app = await buildApp({
    config,
    logger: createLogger({ ...names, level: 'silent' }),
    metrics: createMetrics(names),
  });
  return {
    ...app,
    stop: async () => {
      await app.quiesce?.();
      await app.server.close();
      await app.stop?.();
    },
  };
}

export type Answer = Awaited<ReturnType<typeof post>>;

/** POSTs JSON. */
export async function post(server: HttpServer, url: string, body?: unknown, token?: string) {
  return server.inject({
    method: 'POST',
    url,
    ...(body === undefined ? {} : { payload: JSON.stringify(body) }),
    headers: {
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
  });
}

let people = 0;
/** Credentials nobody has used. */
export function newPerson(): { email: string; password: string } {
  people += 1;
  return { email: `person-${people}@example.com`, password: `password of ${people}` };
}

/** Registers somebody new. */
export async function register(
  server: HttpServer,
): Promise<{ user: User; credentials: { email: string; password: string } }> {
  const credentials = newPerson();
  const answer = await post(server, '/register', credentials);
  assert.equal(answer.statusCode, 201, answer.body);
  return { user: answer.json<{ user: User }>().user, credentials };
}

/** Signs in; fails the test when that does not work. */
export async function signIn(server: HttpServer, credentials: { email: string; password: string }): Promise<TokenPair> {
  return tokens(await post(server, '/login', credentials));
}

/** The pair in an answer, checked against the contract. */
export function tokens(answer: Answer): TokenPair {
  assert.equal(answer.statusCode, 200, answer.body);
  const pair = answer.json<TokenPair>();
  Value.Assert(TokenPair, pair);
  return pair;
}

/** The problem in an answer, checked against the contract. */
export function problemOf(answer: { statusCode: number; body: string; headers: Record<string, unknown> }): Problem {
  assert.equal(answer.headers['content-type'], 'application/problem+json; charset=utf-8', answer.body);
  const problem = JSON.parse(answer.body) as Problem;
  Value.Assert(Problem, problem);
  assert.equal(problem.status, answer.statusCode);
  return problem;
}

/** Identity as a process of its own. */
export interface IdentityProcess {
  url: string;
  /** Lines on standard output and standard error so far. */
  lines: string[];
  /** Sends a signal and resolves to the exit code (null where the signal itself ended it). */
  end(signal?: NodeJS.Signals): Promise<number | null>;
  /** Resolves to the exit code. */
  exited: Promise<number | null>;
}

/** Runs `src/main.ts`; resolves at once, before it is ready. */
export async function spawnIdentity(
  databaseUrl: string,
  changes: Record<string, string> = {},
): Promise<IdentityProcess> {
  const port = await freePort();
  const child = spawn(process.execPath, [join(import.meta.dirname, '../src/main.ts')], {
    env: environment(databaseUrl, { PORT: String(port), LOG_LEVEL: 'info', ...changes }),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const lines: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => lines.push(line));
  }
  const exited = once(child, 'close').then(([code]) => code as number | null);
  return {
    url: `http://127.0.0.1:${port}`,
    lines,
    exited,
    end: (signal = 'SIGTERM') => {
      child.kill(signal);
      return exited;
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Asks again every 20 ms until `condition` holds; fails after `deadlineMs`. */
export async function eventually(condition: () => Promise<boolean> | boolean, deadlineMs = 10_000): Promise<void> {
  const deadline = Date.now() + deadlineMs;
  while (!(await condition())) {
    assert.ok(Date.now() < deadline, 'it did not happen in time');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Waits until the process answers `/readyz` with 200. */
export async function ready(identity: IdentityProcess): Promise<void> {
  await eventually(() =>
    fetch(`${identity.url}/readyz`, { signal: AbortSignal.timeout(1_000) }).then(
      (response) => response.ok,
      () => false,
    ),
  );
}
