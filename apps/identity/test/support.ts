/** Identity on a database of its own: in this process or as a real one. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { Problem, TokenPair, type User } from '@ballast/contracts';
import type { Database } from '@ballast/postgres';
import { createLogger, createMetrics, type App, type HttpServer } from '@ballast/service';
import { spawnService, testDatabase, type ServiceProcess } from '@ballast/testing';
import { Value } from 'typebox/value';
import { buildApp } from '../src/app.ts';
import { readConfig } from '../src/config.ts';

export const issuer = 'http://127.0.0.1:4001';
export const secret = 'a secret for tests that is long enough';

/** A database that is this file's alone. */
export interface IdentityDatabase extends Database {
  /** URL of the login that owns the schema `identity`. */
  url: string;
  /** Removes it. */
  drop(): Promise<void>;
}

/** Makes one in which identity has not run yet. */
export async function createTestDatabase(): Promise<IdentityDatabase> {
  const { database, url, drop } = await testDatabase({ schema: 'identity', sets: [], maxConnections: 20 });
  return { ...database, url, drop };
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

/** Runs `src/main.ts`; resolves at once, before it is ready. */
export const spawnIdentity = (databaseUrl: string, changes: Record<string, string> = {}): Promise<ServiceProcess> => {
  const { PORT: _given, ...settings } = environment(databaseUrl, { LOG_LEVEL: 'info', ...changes });
  return spawnService(join(import.meta.dirname, '../src/main.ts'), settings);
};
