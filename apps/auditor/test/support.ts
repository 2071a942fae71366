/** What the auditor's tests share: a database with every service's real tables, good orders in it, and whom else it asks. */
import { createHash, randomUUID, randomUUIDv7 } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { idempotencyMigrations } from '@ballast/idempotency';
import { outboxMigrations } from '@ballast/outbox';
import { createDatabase, migrate, type Database } from '@ballast/postgres';
import { sagaMigrations } from '@ballast/saga';
import { testDatabase } from '@ballast/testing';
import type { Get } from '../src/clients/http.ts';
import { diagram } from './diagram.ts';

const own = (app: string) => ({
  name: app,
  directory: fileURLToPath(new URL(`../../${app}/migrations`, import.meta.url)),
});

/** Schemas as the services make them. */
const schemas = {
  catalog: [outboxMigrations, own('catalog')],
  payments: [outboxMigrations, own('payments')],
  claims: [outboxMigrations, own('claims')],
  analytics: [outboxMigrations, own('analytics')],
  identity: [own('identity')],
  bff: [own('bff'), idempotencyMigrations],
} as const;

export interface MeshRows {
  /** A login like the auditor's: it reads everything and writes nothing. */
  url: string;
  database: Database;
  /** Runs SQL as a superuser. What it writes by `clock.now()` has the age that the test means, however long the way there took. */
  run(statement: string): Promise<void>;
  /** Sets the clock by which the auditor's login takes ages, in ms since the epoch. It stands still until it is set again. */
  setClock(at: number): Promise<void>;
  /** Ends all sessions and lets nobody in; and lets them in again. */
  cut(): Promise<void>;
  restore(): Promise<void>;
  close(): Promise<void>;
}

/**
 * A time of the test's own choosing. The auditor's login finds these before PostgreSQL's own of the same names: a row is
 * then as old as the test has made it, also where the machine has stood still for seconds between the row and the look.
 */
const clock = (role: string): string => `
  CREATE SCHEMA clock;
  GRANT USAGE ON SCHEMA clock TO PUBLIC;
  CREATE TABLE clock.stands (at timestamptz NOT NULL);
  INSERT INTO clock.stands VALUES (clock_timestamp());
  CREATE FUNCTION clock.now() RETURNS timestamptz LANGUAGE sql STABLE AS 'SELECT at FROM clock.stands';
  CREATE FUNCTION clock.statement_timestamp() RETURNS timestamptz LANGUAGE sql STABLE AS 'SELECT at FROM clock.stands';
  ALTER ROLE ${role} SET search_path = clock, pg_catalog`;

/** The statement that sets it. */
export const clockSetTo = (at: number): string => `UPDATE clock.stands SET at = to_timestamp(${at} / 1000.0)`;

/** A private database with the tables of all services. */
export async function openMeshRows(): Promise<MeshRows> {
  const checkout = [outboxMigrations, sagaMigrations, own('checkout')];
  const test = await testDatabase({ schema: 'checkout', sets: checkout });
  const login = decodeURIComponent(new URL(test.url).username);
  for (const [schema, sets] of Object.entries(schemas)) {
    await test.administrate(`CREATE SCHEMA ${schema} AUTHORIZATION ${login}`);
    await migrate({ url: test.url, schema, sets });
  }
  const role = `auditor_${randomUUID().replaceAll('-', '').slice(0, 12)}`;
  await test.administrate(`CREATE ROLE ${role} LOGIN PASSWORD '${role}' IN ROLE pg_read_all_data, pg_read_all_stats`);
  await test.administrate(`ALTER ROLE ${role} SET default_transaction_read_only = on`);
  await test.administrate(clock(role));
  const url = new URL(test.url);
  [url.username, url.password] = [role, role];
  const database = createDatabase({
    url: url.href,
    applicationName: 'auditor',
    maxConnections: 6,
    // No test here is about these limits.
    statementTimeoutMs: 30_000,
    connectTimeoutMs: 30_000,
  });
  return {
    url: url.href,
    database,
    run: test.administrate,
    setClock: (at) => test.administrate(clockSetTo(at)),
    cut: test.cut,
    restore: test.restore,
    close: async () => {
      await database.close();
      const drop = `DROP ROLE ${role}`;
      await test.administrate(drop);
      await test.drop();
    },
  };
}

export const product = '01900000-0000-7000-8000-000000000001';
export const total = 1_250;

/** A product with a thousand pieces, none sold. */
export const insertProduct = (productId = product): string => `
  INSERT INTO catalog.products (product_id, slug, name, description, category, search_text, price_amount, currency, image, position, initial, on_hand)
  VALUES ('${productId}', '${productId}', 'Thing', '', 'things', '', ${total}, 'EUR', '', 1, 1000, 1000)`;

/** An order's way through the mesh, step by step, as it is logged. */
const ways = {
  Completed: [
    'OrderPlaced:Initiated',
    'StockReserved',
    'PaymentAuthorized:ReadyForPayment',
    'PaymentCaptured',
    'StockCommitted:Completed',
  ],
  Compensated: ['OrderPlaced:Initiated', 'StockReserved', 'PaymentDeclined:Compensating', 'StockReleased:Compensated'],
  Initiated: ['OrderPlaced:Initiated'],
} as const;

export interface MadeOrder {
  orderId: string;
  userId: string;
  key: string;
}

/** The rows of one good order that has come to `state` so many seconds ago; in every service's schema, with its money and stock. */
export function insertOrder(
  state: keyof typeof ways,
  options: { secondsAgo?: number; orderId?: string } = {},
): MadeOrder & { sql: string } {
  const { secondsAgo = 60, orderId = randomUUIDv7() } = options;
  const [userId, key] = [randomUUIDv7(), randomUUID()];
  const at = `clock.now() - interval '${secondsAgo} seconds'`;
  const done = state !== 'Initiated';
  const completed = state === 'Completed';
  const steps = ways[state].map((step) => step.split(':')).map(([event, to]) => ({ event, to: to ?? event }));
  const log = steps.map(
    ({ event, to }, place) =>
      `('${orderId}', ${place + 1}, ${place === 0 ? 'NULL' : `'${steps[place - 1]!.to}'`}, '${event}', '${to}', ${place === 0 ? 'NULL' : `'${randomUUIDv7()}'`}, ${at})`,
  );
  const fingerprint = createHash('sha256').update(key).digest('hex');
  const body = JSON.stringify({ orderId, state: 'Initiated' });
  const reservation = !done ? 'reserved' : completed ? 'committed' : 'released';
  const expires = reservation === 'released' ? 'NULL' : "clock.now() + interval '5 minutes'";
  return {
    orderId,
    userId,
    key,
    sql: `
    INSERT INTO checkout.orders VALUES ('${orderId}', '${userId}', '${key}', 'f', '[]', ${total}, 'EUR', 'stripe', 'pm_card_visa', ${at});
    INSERT INTO checkout.sagas VALUES ('${orderId}', 'place-order', '${state}', ${steps.length}, '{}', '{}', ${done ? 'NULL' : "clock.now() + interval '30 seconds'"}, ${at}, ${at});
    INSERT INTO checkout.saga_transitions (saga_id, seq, from_state, event, to_state, message_id, at) VALUES ${log.join(', ')};
    INSERT INTO catalog.reservations (order_id, state, expires_at) VALUES ('${orderId}', '${reservation}', ${expires});
    ${
      reservation === 'released'
        ? ''
        : `INSERT INTO catalog.reservation_lines VALUES ('${orderId}', '${product}', 1);
    UPDATE catalog.products SET on_hand = on_hand - 1, ${completed ? 'sold = sold' : 'reserved = reserved'} + 1 WHERE product_id = '${product}';`
    }
    ${completed ? `INSERT INTO payments.ledger (order_id, kind, amount, currency, source) VALUES ('${orderId}', 'authorized', ${total}, 'EUR', 'reply'), ('${orderId}', 'captured', ${total}, 'EUR', 'reply');` : ''}
    INSERT INTO bff.idempotency_keys (principal, route, key, fingerprint, status, headers, body, created_at)
    VALUES ('${userId}', 'POST /api/orders', '${key}', '\\x${fingerprint}', 202, '{}', convert_to('${body}', 'UTF8'), ${at});`,
  };
}

/**
 * Asks as the auditor does, but waits longer and asks again: its limits are made for a mesh that it looks at each second,
 * and those whom it asks here answer always, only later where the machine stands still for a moment.
 */
export const patient =
  (get: Get): Get =>
  async (url, options = {}) => {
    for (let turn = 1; ; turn += 1) {
      try {
        return await get(url, { ...options, timeoutMs: 30_000 });
      } catch (error) {
        if (turn === 5) throw error;
      }
    }
  };

/** A line of the provider's ledger. */
export interface LedgerLine {
  orderId: string;
  provider: string;
  currency: string;
  authorized: number;
  captured: number;
  refunded: number;
}

export const paid = (orderId: string, captured = total, refunded = 0): LedgerLine => ({
  orderId,
  provider: 'stripe',
  currency: 'EUR',
  authorized: captured,
  captured,
  refunded,
});

/** Whom the auditor asks over HTTP, played by the test: the provider's ledger, and each instance below `/<name>`. */
export interface Outside {
  url: string;
  /** The provider's ledger by order; changed by `enter`. */
  ledger: Map<string, LedgerLine>;
  enter(line: LedgerLine): void;
  /** Answers of instances by path, e.g. `/catalog-1/products/<id>`; anything else is 404. */
  answers: Map<string, { body: string; headers?: Record<string, string> }>;
  /** What an instance's `/metrics` says beside its start. */
  metrics(instance: string, lines: readonly string[], startedAt?: number): void;
  /** The instance shows the product as the database has it now, or in that revision. */
  shows(instance: string, productId: string, rows: MeshRows, revision?: number): Promise<void>;
  /** While true every request is answered 503. */
  silent: boolean;
  /** Requests so far, with their queries. */
  asked: string[];
  /** Forgets everything. */
  reset(): void;
  close(): Promise<void>;
}

export async function openOutside(): Promise<Outside> {
  let changed: LedgerLine[] = [];
  /** A new one makes the ledger another process, whose cursors mean nothing to this one. */
  let life = randomUUID();
  const ledger = (path: string, response: ServerResponse): void => {
    const [, after, of] = /after=(\d+)\.(.*)$/.exec(path) ?? [];
    response.setHeader('x-ledger-cursor', `${changed.length}.${life}`);
    if (of !== life) return void response.end(JSON.stringify([...outside.ledger.values()]));
    response.setHeader('x-ledger-after', `${after}.${of}`);
    response.end(JSON.stringify(changed.slice(Number(after))));
  };
  const server = createServer((request, response) => {
    const path = request.url ?? '/';
    outside.asked.push(path);
    if (outside.silent) return void response.writeHead(503).end();
    if (path.startsWith('/ledger')) return ledger(path, response);
    if (path.endsWith('/sagas/place-order')) return void response.end(JSON.stringify(diagram));
    const answer = outside.answers.get(path);
    response.writeHead(answer === undefined ? 404 : 200, answer?.headers).end(answer?.body);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const outside: Outside = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    ledger: new Map(),
    enter: (line) => {
      outside.ledger.set(line.orderId, line);
      changed.push(line);
    },
    answers: new Map(),
    metrics: (instance, lines, startedAt = 1) => {
      const body = [`process_start_time_seconds ${startedAt}`, ...lines, ''].join('\n');
      outside.answers.set(`/${instance}/metrics`, { body });
    },
    shows: async (instance, productId, { database }, revision) => {
      const [row] = await database.query<{ revision: string }>(
        'SELECT revision FROM catalog.products WHERE product_id = $1',
        [productId],
      );
      const headers = { 'x-revision': String(revision ?? row!.revision) };
      outside.answers.set(`/${instance}/products/${productId}`, { body: '{}', headers });
    },
    silent: false,
    asked: [],
    reset: () => {
      outside.ledger.clear();
      outside.answers.clear();
      outside.asked.length = 0;
      outside.silent = false;
      changed = [];
      life = randomUUID();
    },
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return outside;
}
