/**
 * A mesh of one service for component tests: a database, a broker namespace and an identity of its own, as many
 * replicas of catalog as a test asks for, and everything gone at the end.
 */
import assert from 'node:assert/strict';
import { randomUUIDv7 } from 'node:crypto';
import type { MessageBody, Role } from '@ballast/contracts';
import { createMessage, type Message, type OutgoingMessage } from '@ballast/messaging';
import { createOutbox } from '@ballast/outbox';
import { createDatabase, type Database } from '@ballast/postgres';
import { partUrl, startApp, testBroker, testDatabase, testIdentity, until, type RunningApp } from '@ballast/testing';
import { buildApp } from '../src/app.ts';
import type { Config } from '../src/config.ts';
import { createCommandHandler } from '../src/consumers/commands.ts';

const eventTypes = [
  'StockReserved',
  'StockRejected',
  'StockReleased',
  'StockCommitted',
  'StockCommitRejected',
] as const;
type StockMessage = Message<(typeof eventTypes)[number]>;

/** A replica's command handler without its queue, for tests that decide themselves what meets when. */
export interface BareHandler {
  handle(message: Message): Promise<void>;
  database: Database;
  /** What it told. */
  told: Message[];
}

/** Pieces of a product as its row has them. */
export interface Pieces {
  initial: number;
  on_hand: number;
  reserved: number;
  sold: number;
}

/** What a test works with. */
export interface Bench {
  database: Database;
  environment: {
    POSTGRES_URL: string;
    AMQP_URL: string;
    REDIS_URL: string;
    MESSAGING_NAMESPACE: string;
    IDENTITY_URL: string;
  };
  startReplica(settings?: Partial<Config>): Promise<RunningApp>;
  /** A handler with a pool of its own that PostgreSQL knows by `name`; the tables must be there. */
  openHandler(name: string): BareHandler;
  /** Deadlocks so far in the bench's database. Backends hand in what they counted when they end. */
  deadlocks(): Promise<number>;
  /** A token of a person with this role. */
  token(role: Role, claims?: Record<string, unknown>, header?: Record<string, unknown>): string;
  addProduct(product?: {
    onHand?: number;
    name?: string;
    description?: string;
    position?: number;
    searchText?: string;
  }): Promise<string>;
  pieces(productId: string): Promise<Pieces>;
  /** The ETag of the row as it is now, once this replica answers with it: its copy may be older for a moment. */
  settledEtag(replica: RunningApp, productId: string): Promise<string>;
  /** Asserts that every piece is accounted for, product by product. */
  assertBooksBalance(): Promise<void>;
  publish(...messages: readonly Message[]): Promise<void>;
  /** All stock events told so far, in the order they were heard; of one order, if that is given. */
  events(orderId?: string): StockMessage[];
  /** The next `count` events of an order, when they are there. */
  heard(orderId: string, count?: number): Promise<StockMessage[]>;
  close(): Promise<void>;
}

/** A command to catalog. */
export function command(type: 'ReserveStock', orderId: string, lines: MessageBody<'ReserveStock'>['lines']): Message;
export function command(type: 'ReleaseStock' | 'CommitStock', orderId: string): Message;
export function command(type: string, orderId: string, lines?: MessageBody<'ReserveStock'>['lines']): Message {
  const body = lines === undefined ? { orderId } : { orderId, lines };
  return createMessage({ type, correlationId: orderId, body } as OutgoingMessage);
}

/** Opens a bench; needs TEST_POSTGRES_URL, TEST_AMQP_URL and TEST_REDIS_URL, see infra/lab/src/with-parts.ts. */
export async function openBench(): Promise<Bench> {
  const { database, url, drop } = await testDatabase({ schema: 'catalog', sets: [] });
  const broker = await testBroker();
  const peer = await broker.peer(eventTypes);
  const identity = await testIdentity();
  const replicas = new Set<RunningApp>();
  let started = 0;
  const handlers = new Set<BareHandler>();
  const environment = {
    POSTGRES_URL: url,
    AMQP_URL: broker.url,
    REDIS_URL: partUrl('REDIS'),
    MESSAGING_NAMESPACE: broker.namespace,
    IDENTITY_URL: identity.url,
  };

  const events = (orderId?: string): StockMessage[] => peer.heard(orderId) as StockMessage[];

  return {
    database,
    environment,
    token: (role, claims, header) => identity.token({ roles: [role] }, claims, header),
    startReplica: async (settings) => {
      const replica = await startReplica({ ...environment, INSTANCE: `catalog-${++started}`, ...settings });
      replicas.add(replica);
      return replica;
    },
    openHandler: (applicationName) => {
      const own = createDatabase({ url, applicationName });
      const toldByIt: Message[] = [];
      const outbox = createOutbox({ database: own, publish: async (message) => void toldByIt.push(message) });
      const handle = createCommandHandler({
        database: own,
        outbox,
        reservationSeconds: 600,
        onCommitted: () => undefined,
        onUnsure: () => undefined,
      });
      const handler = { handle, database: own, told: toldByIt };
      handlers.add(handler);
      return handler;
    },
    deadlocks: async () => {
      for (const replica of replicas) await replica.stop();
      for (const handler of handlers) await handler.database.close();
      handlers.clear();
      const [row] = await database.query<{ deadlocks: number }>(
        'SELECT deadlocks::int FROM pg_stat_database WHERE datname = current_database()',
      );
      return row!.deadlocks;
    },
    addProduct: async ({
      onHand = 100,
      name: productName = 'Test product',
      description = 'For a test.',
      position = 1_000,
      searchText = productName.toLowerCase(),
    } = {}) => {
      const id = randomUUIDv7();
      await database.query(
        `INSERT INTO products (product_id, slug, name, description, category, search_text, price_amount, currency, image, position, initial, on_hand)
         VALUES ($1, $2, $3, $4, 'Tests', $5, 1250, 'EUR', '/images/products/test.svg', $6, $7, $7)`,
        [id, `test-${id}`, productName, description, searchText, position, onHand],
      );
      return id;
    },
    pieces: async (productId) => {
      const [row] = await database.query<Pieces>(
        'SELECT initial, on_hand, reserved, sold FROM products WHERE product_id = $1',
        [productId],
      );
      assert.ok(row, `product ${productId} exists`);
      return row;
    },
    settledEtag: (replica, productId) =>
      until('the replica to answer with the row as it is', async () => {
        const [row] = await database.query<{ version: string }>(
          'SELECT xmin::text AS version FROM products WHERE product_id = $1',
          [productId],
        );
        const response = await fetch(`${replica.url}/products/${productId}`);
        await response.arrayBuffer();
        const etag = response.headers.get('etag');
        return etag === `"${row!.version}"` && etag;
      }),
    assertBooksBalance: async () => {
      const wrong = await database.query(
        `SELECT p.product_id, p.initial, p.on_hand, p.reserved, p.sold, lines.reserved AS lines_reserved, lines.sold AS lines_sold
           FROM products p
           CROSS JOIN LATERAL (
             SELECT coalesce(sum(l.quantity) FILTER (WHERE r.state = 'reserved'), 0)::int AS reserved,
                    coalesce(sum(l.quantity) FILTER (WHERE r.state = 'committed'), 0)::int AS sold
               FROM reservation_lines l JOIN reservations r USING (order_id)
              WHERE l.product_id = p.product_id) lines
          WHERE p.initial <> p.on_hand + p.reserved + p.sold OR least(p.on_hand, p.reserved, p.sold) < 0
             OR p.reserved <> lines.reserved OR p.sold <> lines.sold`,
      );
      assert.deepEqual(wrong, []);
    },
    publish: peer.say,
    events,
    heard: async (orderId, count = 1) => {
      await until(`${count} events of order ${orderId}`, () => events(orderId).length >= count);
      return events(orderId);
    },
    close: async () => {
      for (const replica of replicas) await replica.stop();
      for (const handler of handlers) await handler.database.close();
      await broker.clean(['catalog.commands']);
      await identity.close();
      await drop();
    },
  };
}

async function startReplica(settings: Partial<Config> & { INSTANCE: string }): Promise<RunningApp> {
  const config = {
    HOST: '127.0.0.1',
    PORT: 0,
    LOG_LEVEL: 'info',
    LAB_MODE: '0',
    FAULTS: '',
    DEFECTS: '',
    RESERVATION_SECONDS: 600,
    ...settings,
  } as Config;
  return await startApp({ name: 'catalog', config, build: buildApp });
}
