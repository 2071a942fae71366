/**
 * What the component tests of claims share: claims on real parts, a checkout that only shows orders, and payments played
 * by the test: it hears the commands and says the events.
 */
import assert from 'node:assert/strict';
import { randomUUIDv7 } from 'node:crypto';
import type { Claim, ClaimDecision } from '@ballast/contracts';
import { configureFaults } from '@ballast/faults';
import {
  startApp,
  testBroker,
  testDatabase,
  testIdentity,
  until,
  type RunningApp,
  type TestDatabase,
  type TestIdentity,
  type TestPeer,
} from '@ballast/testing';
import { buildApp } from '../src/app.ts';
import type { Config } from '../src/config.ts';
import { startFakeCheckout, type FakeCheckout } from './fake-checkout.ts';

/** A person who has bought something. */
export interface Person {
  userId: string;
  token: string;
}

export interface Answer<Body> {
  status: number;
  headers: Headers;
  body: Body;
}

/** A claim, or a problem. */
export type ClaimAnswer = Answer<Claim & { code?: string; detail?: string; field?: string }>;

export interface Bench {
  test: TestDatabase;
  identity: TestIdentity;
  checkout: FakeCheckout;
  payments: TestPeer;
  /** Takes the dead letters of the refund queue. */
  deadLetters(): Promise<string[]>;
  environment: Record<string, string>;
  start(settings?: Partial<Config>): Promise<RunningApp>;
  person(role?: 'customer' | 'operator'): Person;
  /** Commands heard for an order: ids of the claims whose money is to go back. */
  refundsAsked(orderId: string): string[];
  close(): Promise<void>;
}

/** Opens a bench on which no claims service runs yet. With `lab` those it starts have the lab's routes and defects. */
export async function openBench({ lab = false } = {}): Promise<Bench> {
  configureFaults({ labMode: lab, faults: '' });
  const test = await testDatabase({ schema: 'claims', sets: [], maxConnections: 10 });
  const broker = await testBroker();
  const identity = await testIdentity();
  const checkout = await startFakeCheckout();
  const payments = await broker.peer(['RefundPayment']);
  const running: RunningApp[] = [];
  const environment = {
    POSTGRES_URL: test.url,
    AMQP_URL: broker.url,
    MESSAGING_NAMESPACE: broker.namespace,
    IDENTITY_URL: identity.url,
    CHECKOUT_URLS: checkout.url,
  };
  return {
    test,
    identity,
    checkout,
    payments,
    deadLetters: async () =>
      (await broker.messages('claims.refunds.dead')).map(
        ({ content }) => (JSON.parse(content.toString()) as { id: string }).id,
      ),
    environment,
    start: async (settings) => {
      const config: Config = {
        HOST: '127.0.0.1',
        PORT: 0,
        INSTANCE: `claims-${running.length + 1}`,
        LOG_LEVEL: 'info',
        LAB_MODE: '0',
        FAULTS: '',
        DEFECTS: '',
        ...environment,
        ...settings,
      };
      const app = await startApp({ name: 'claims', config, build: buildApp });
      running.push(app);
      return app;
    },
    person: (role = 'customer') => {
      const userId = randomUUIDv7();
      return { userId, token: identity.token({ userId, roles: [role] }) };
    },
    refundsAsked: (orderId) => {
      const heard = payments.heard(orderId).filter((message) => message.type === 'RefundPayment');
      return [...new Map(heard.map((message) => [message.id, message.body.claimId])).values()];
    },
    close: async () => {
      for (const app of running) await app.stop();
      await checkout.stop();
      await broker.clean(['claims.refunds']);
      await identity.close();
      await test.drop();
      configureFaults({ labMode: false, faults: '' });
    },
  };
}

/** Calls claims as this person. */
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

export const claimOf = (orderId: string, details = 'The mug came in two pieces.') => ({
  orderId,
  reason: 'damaged',
  details,
});

/** Files a claim; `key` is its idempotency key, null for none. */
export const file = (
  app: RunningApp,
  person: Person | null,
  body: unknown,
  key: string | null = randomUUIDv7(),
): Promise<ClaimAnswer> =>
  call(`${app.url}/claims`, person, { body, headers: key === null ? {} : { 'idempotency-key': key } });

/** Files a claim that has to be accepted; told to come again, as a busy machine may say, it does so with its key. */
export async function filed(app: RunningApp, person: Person, orderId: string): Promise<Claim> {
  const key = randomUUIDv7();
  const { status, body } = await until('an answer that is not 503', async () => {
    const answer = await file(app, person, claimOf(orderId), key);
    return answer.status === 503 ? null : answer;
  });
  assert.equal(status, 201, JSON.stringify(body));
  return body;
}

/** Decides about a claim. */
export const decide = (
  app: RunningApp,
  person: Person,
  claimId: string,
  decision: ClaimDecision['decision'],
  note?: string,
): Promise<ClaimAnswer> =>
  call(`${app.url}/claims/${claimId}/decision`, person, {
    body: { decision, ...(note === undefined ? {} : { note }) },
  });
