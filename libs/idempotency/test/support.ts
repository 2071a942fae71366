/** What the tests share: processes that use one table, and a turn whose end the test decides. */
import { idempotencyMigrations, createIdempotency, fingerprintOf, settlementOf } from '../src/index.ts';
import type { Answer, Idempotency, IdempotencyEvent, IdempotencyOptions, KeyedRequest } from '../src/index.ts';
import { createDatabase, type Database } from '@ballast/postgres';
import { testDatabase, type TestDatabase } from '@ballast/testing';

export const openDatabase = (): Promise<TestDatabase> =>
  testDatabase({ schema: 'idempotency', sets: [idempotencyMigrations] });

/** One process: an instance with a pool of its own, and what it said. */
export interface Replica extends Idempotency {
  database: Database;
  events: IdempotencyEvent[];
  errors: unknown[];
  close(): Promise<void>;
}

export function replica(
  url: string,
  options: Partial<IdempotencyOptions> & { connectTimeoutMs?: number } = {},
): Replica {
  const { connectTimeoutMs = 2_000, ...given } = options;
  const database = createDatabase({ url, applicationName: 'replica', maxConnections: 4, connectTimeoutMs });
  const events: IdempotencyEvent[] = [];
  const errors: unknown[] = [];
  const idempotency = createIdempotency({
    database,
    name: 'replica',
    workMs: 5_000,
    leaseMs: 60_000,
    settle: ({ status }) => settlementOf(status),
    onEvent: (event) => events.push(event),
    onError: (_what, error) => errors.push(error),
    ...given,
  });
  return {
    ...idempotency,
    database,
    events,
    errors,
    close: async () => {
      await idempotency.stop();
      await database.close();
    },
  };
}

let keys = 0;

/** A request nobody has made before, unless it is told the key. */
export const request = (body: unknown = { quantity: 1 }, more: Partial<KeyedRequest> = {}): KeyedRequest => ({
  principal: 'ada',
  route: 'POST /orders',
  key: `key-${(keys += 1)}`,
  fingerprint: fingerprintOf(body),
  ...more,
});

export const answer = (status = 202, text = '{"orderId":"1"}'): Answer => ({
  status,
  headers: { 'content-type': 'application/json', location: '/orders/1' },
  body: Buffer.from(text),
});

/** Work that goes on until the test lets it end. */
export function heldWork(): { work: () => Promise<Answer>; begun: Promise<void>; end: (answer: Answer) => void } {
  const begun = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<Answer>();
  return {
    work: () => {
      begun.resolve();
      return ended.promise;
    },
    begun: begun.promise,
    end: ended.resolve,
  };
}

/** Work that must not be asked for. */
export const never = (): Promise<Answer> => Promise.reject(new Error('this must not run'));
