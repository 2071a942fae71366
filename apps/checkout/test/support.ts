/**
 * What the component tests of checkout share: checkout on real parts, a catalog that only quotes, and the rest of the
 * mesh played by the test: it hears the commands and says the events.
 */
import assert from 'node:assert/strict';
import { randomUUIDv7 } from 'node:crypto';
import { commands, type CommandType, type MessageBody, type Order } from '@ballast/contracts';
import { createMessage, type OutgoingMessage } from '@ballast/messaging';
import {
  partUrl,
  startApp,
  testBroker,
  testDatabase,
  testIdentity,
  until,
  type RunningApp,
  type TestDatabase,
  type TestIdentity,
} from '@ballast/testing';
import { buildApp } from '../src/app.ts';
import type { Config } from '../src/config.ts';
import type { orderEvents } from '../src/domain/place-order.ts';
import { mug, startFakeCatalog, type FakeCatalog } from './fake-catalog.ts';

/** A person who shops. */
export interface Person {
  userId: string;
  token: string;
}

export interface Answer<Body> {
  status: number;
  headers: Headers;
  body: Body;
}

export interface Bench {
  test: TestDatabase;
  identity: TestIdentity;
  catalog: FakeCatalog;
  start(settings?: Partial<Config>): Promise<RunningApp>;
  person(role?: 'customer' | 'operator'): Person;
  /** Bodies of the different commands of this type that were sent for an order, in order. */
  bodies(orderId: string, type: CommandType): unknown[];
  /** Commands sent for an order so far, by type, in order. */
  commands(orderId: string): CommandType[];
  /** Waits until a command has been sent `times` times. */
  heard(orderId: string, type: CommandType, times?: number): Promise<void>;
  /** Says an event as its service would. */
  say(orderId: string, type: Heard): Promise<void>;
  state(orderId: string): Promise<string>;
  /** Waits until the saga is in this state. */
  reached(orderId: string, state: string): Promise<void>;
  /** Makes the deadline of the order’s state pass now. */
  deadline(orderId: string): Promise<void>;
  /** Brings an order to `RequiresReview`: paid, not to be handed over, and the provider keeps the money. */
  review(orderId: string): Promise<void>;
  /** Says every event of the good path, each when it is due. */
  complete(orderId: string): Promise<void>;
  close(): Promise<void>;
}

/** Of the events that checkout listens to. */
type Heard = (typeof orderEvents)[number];

const bodies: { [Type in Heard]: Omit<MessageBody<Type>, 'orderId'> } = {
  StockReserved: { expiresAt: '2036-01-01T00:00:00.000Z' },
  StockRejected: { code: 'insufficient-stock', shortages: [] },
  StockReleased: {},
  StockCommitted: {},
  StockCommitRejected: { code: 'not-reserved' },
  PaymentAuthorized: { amount: 1250, currency: 'EUR' },
  PaymentDeclined: { code: 'declined', detail: 'Your card was declined.' },
  PaymentCaptured: { amount: 1250, currency: 'EUR' },
  CaptureRefused: { code: 'declined', detail: 'Your card was declined.' },
  PaymentCancelled: { refunded: 0, currency: 'EUR' },
  PaymentCancelRefused: { code: 'disputed', detail: 'The money cannot be given back.' },
};

/** Opens a bench on which no checkout runs yet. */
export async function openBench(): Promise<Bench> {
  const test = await testDatabase({ schema: 'checkout', sets: [], maxConnections: 10 });
  const broker = await testBroker();
  const identity = await testIdentity();
  const catalog = await startFakeCatalog();
  const peer = await broker.peer(Object.keys(commands) as CommandType[]);
  const running: RunningApp[] = [];

  const sent = (orderId: string): CommandType[] => {
    const different = new Map(peer.heard(orderId).map((message) => [message.id, message.type as CommandType]));
    return [...different.values()];
  };
  const bench: Bench = {
    test,
    identity,
    catalog,
    start: async (settings) => {
      const config: Config = {
        HOST: '127.0.0.1',
        PORT: 0,
        INSTANCE: `checkout-${running.length + 1}`,
        LOG_LEVEL: 'info',
        LAB_MODE: '0',
        FAULTS: '',
        DEFECTS: '',
        POSTGRES_URL: test.url,
        AMQP_URL: broker.url,
        REDIS_URL: partUrl('REDIS'),
        MESSAGING_NAMESPACE: broker.namespace,
        IDENTITY_URL: identity.url,
        CATALOG_URLS: catalog.url,
        ...settings,
      };
      const app = await startApp({ name: 'checkout', config, build: buildApp });
      running.push(app);
      return app;
    },
    person: (role = 'customer') => {
      const userId = randomUUIDv7();
      return { userId, token: identity.token({ userId, roles: [role] }) };
    },
    commands: sent,
    bodies: (orderId, type) =>
      [...new Map(peer.heard(orderId).map((message) => [message.id, message])).values()]
        .filter((message) => message.type === type)
        .map((message) => message.body),
    heard: async (orderId, type, times = 1) => {
      await until(`${type} (${times})`, () => sent(orderId).filter((name) => name === type).length >= times);
    },
    say: async (orderId, type) => {
      const body = { orderId, ...bodies[type] };
      await peer.say(createMessage({ type, correlationId: orderId, body } as OutgoingMessage));
    },
    state: async (orderId) => {
      const [row] = await test.database.query<{ state: string }>('SELECT state FROM sagas WHERE id = $1', [orderId]);
      assert.ok(row, `there is a saga for ${orderId}`);
      return row.state;
    },
    reached: async (orderId, state) => {
      await until(`${orderId} to be ${state}`, async () => (await bench.state(orderId)) === state);
    },
    deadline: async (orderId) => {
      await test.database.query('UPDATE sagas SET deadline_at = now() WHERE id = $1', [orderId]);
    },
    review: async (orderId) => {
      for (const [command, event] of [
        ['ReserveStock', 'StockReserved'],
        ['AuthorizePayment', 'PaymentCaptured'],
        ['CommitStock', 'StockCommitRejected'],
        ['CancelPayment', 'PaymentCancelRefused'],
      ] as const) {
        await bench.heard(orderId, command);
        await bench.say(orderId, event);
      }
      await bench.reached(orderId, 'RequiresReview');
    },
    complete: async (orderId) => {
      for (const [command, event] of [
        ['ReserveStock', 'StockReserved'],
        ['AuthorizePayment', 'PaymentAuthorized'],
        ['CapturePayment', 'PaymentCaptured'],
        ['CommitStock', 'StockCommitted'],
      ] as const) {
        await bench.heard(orderId, command);
        await bench.say(orderId, event);
      }
      await bench.reached(orderId, 'Completed');
    },
    close: async () => {
      for (const app of running) await app.stop();
      await catalog.stop();
      await broker.clean(['checkout.saga']);
      await identity.close();
      await test.drop();
    },
  };
  return bench;
}

export const goodOrder = {
  lines: [{ productId: mug, quantity: 1 }],
  payment: { provider: 'stripe', method: 'pm_card_visa' },
};

/** Calls checkout as this person. */
export async function call<Body>(
  url: string,
  person: Person | null,
  options: { body?: unknown; headers?: Record<string, string> } = {},
): Promise<Answer<Body>> {
  const { body, headers = {} } = options;
  const response = await fetch(url, {
    ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
    headers: {
      ...(person === null ? {} : { authorization: `Bearer ${person.token}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    signal: AbortSignal.timeout(10_000),
  });
  return { status: response.status, headers: response.headers, body: (await response.json()) as Body };
}

/** Places an order; `key` is its idempotency key. */
export const place = (
  app: RunningApp,
  person: Person | null,
  body: unknown = goodOrder,
  key: string | null = randomUUIDv7(),
): Promise<Answer<{ orderId: string; state: string } & Record<string, unknown>>> =>
  call(`${app.url}/orders`, person, { body, headers: key === null ? {} : { 'idempotency-key': key } });

/** Places an order that has to be accepted. */
export async function placed(app: RunningApp, person: Person, body: unknown = goodOrder): Promise<string> {
  const { status, body: answer } = await place(app, person, body);
  assert.equal(status, 202, JSON.stringify(answer));
  return answer.orderId;
}

/** Reads an order. */
export const read = (app: RunningApp, person: Person, orderId: string): Promise<Answer<Order>> =>
  call(`${app.url}/orders/${orderId}`, person);
