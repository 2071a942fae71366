/**
 * What the component tests of payments share: a bench with a database, a corner of the broker and a payment provider of
 * its own, around payments as it is, in this process or as a real one.
 */
import assert from 'node:assert/strict';
import { createHmac, randomUUIDv7 } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import type { EventType, MessageBody, PaymentProviderName } from '@ballast/contracts';
import { createMessage, type Message } from '@ballast/messaging';
import { buildStandIn, type StandIn } from '@ballast/payment-provider-stand-in';
import {
  freePort,
  spawnService,
  startApp,
  testBroker,
  testDatabase,
  until,
  type RunningApp,
  type ServiceProcess,
  type TestDatabase,
  type TestPeer,
} from '@ballast/testing';
import { buildApp } from '../src/app.ts';
import type { Config } from '../src/config.ts';

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));
const webhookSecret = 'whsec_test';

const eventTypes = [
  'PaymentAuthorized',
  'PaymentDeclined',
  'PaymentCaptured',
  'CaptureRefused',
  'PaymentCancelled',
  'PaymentCancelRefused',
  'PaymentRefunded',
  'RefundRefused',
] as const satisfies readonly EventType[];

/** What is paid in every test unless it says otherwise. */
export const amount = 1234;
export const currency = 'EUR';

/** A webhook as the provider sent it. */
export interface SentWebhook {
  path: string;
  headers: Record<string, string>;
  body: Buffer;
}

/** A row of payments’ own ledger. */
export interface Entry {
  kind: string;
  amount: number;
  source: string;
}

/** Stands between the provider and payments: notes every webhook, and hands it on while it has somewhere to. */
export interface Postbox {
  received: SentWebhook[];
  /** Base URL webhooks are handed on to; null keeps them. */
  forwardTo: string | null;
  /** Delivers one, as the provider would. */
  deliver(webhook: SentWebhook, to: string): Promise<Response>;
}

export interface Bench {
  test: TestDatabase;
  peer: TestPeer;
  postbox: Postbox;
  /** Starts payments in this process and sends it the webhooks. */
  start(settings?: Partial<Config>): Promise<RunningApp>;
  /** Starts it as a process in lab mode, with fail points armed. */
  spawn(environment?: Record<string, string>): Promise<ServiceProcess>;
  /** Opens the provider again, on the same port and with what it knew. */
  openProvider(): Promise<void>;
  /** As if the provider were down. */
  closeProvider(): Promise<void>;
  /** The next event of this type about the order. */
  told<Type extends EventType>(orderId: string, type: Type, limitMs?: number): Promise<MessageBody<Type>>;
  /** Types of all different events told of the order so far, in order. */
  events(orderId: string): string[];
  /** Payments’ own ledger. */
  ledger(orderId: string): Promise<Entry[]>;
  row(orderId: string): Promise<{ state: string; wanted: string; unsettled: boolean }>;
  /** The provider’s ledger, the witness outside. */
  witness(orderId: string): Promise<{ authorized: number; captured: number; refunded: number }>;
  close(): Promise<void>;
}

/** Opens a bench; the provider runs, payments does not. Slow methods take 0.3 s, very slow ones 1.5 s. */
export async function openBench(): Promise<Bench> {
  const test = await testDatabase({ schema: 'payments', sets: [] });
  const broker = await testBroker();
  const peer = await broker.peer(eventTypes);
  const { postbox, url: postboxUrl, close: closePostbox } = await openPostbox();
  const dataDirectory = await mkdtemp(join(tmpdir(), 'ballast-payments-'));
  const providerPort = await freePort();
  const apiBase = `http://127.0.0.1:${providerPort}`;
  const environment = {
    POSTGRES_URL: test.url,
    AMQP_URL: broker.url,
    MESSAGING_NAMESPACE: broker.namespace,
    IDENTITY_URL: 'http://127.0.0.1:9',
    STRIPE_API_BASE: apiBase,
    STRIPE_SECRET_KEY: 'sk_test_bench',
    STRIPE_WEBHOOK_SECRET: webhookSecret,
    PAYPAL_API_BASE: apiBase,
    PAYPAL_CLIENT_ID: 'client',
    PAYPAL_CLIENT_SECRET: 'secret',
    PAYPAL_WEBHOOK_ID: 'WEBHOOK-1',
    PAYPAL_CERT_HOSTS: `127.0.0.1:${providerPort}`,
  };
  const running: RunningApp[] = [];
  const processes: ServiceProcess[] = [];
  let provider: StandIn | undefined;

  const openProvider = async (): Promise<void> => {
    const opened = await buildStandIn({
      dataDirectory,
      stripe: { secretKey: 'sk_test_bench', webhookSecret, webhookUrl: `${postboxUrl}/webhooks/stripe` },
      paypal: {
        clientId: 'client',
        clientSecret: 'secret',
        webhookId: 'WEBHOOK-1',
        webhookUrl: `${postboxUrl}/webhooks/paypal`,
      },
      delays: { slow: 300, very_slow: 1_500 },
      firstRetryMilliseconds: 50,
    });
    await opened.listen({ host: '127.0.0.1', port: providerPort });
    provider = opened;
  };
  const closeProvider = async (): Promise<void> => {
    await provider?.close();
    provider = undefined;
  };
  await openProvider();

  return {
    test,
    peer,
    postbox,
    openProvider,
    closeProvider,
    start: async (settings) => {
      const config: Config = {
        HOST: '127.0.0.1',
        PORT: 0,
        INSTANCE: `payments-${running.length + 1}`,
        LOG_LEVEL: 'info',
        LAB_MODE: '0',
        FAULTS: '',
        DEFECTS: '',
        PROVIDER_TIMEOUT_MS: 600,
        ...environment,
        ...settings,
      };
      const app = await startApp({ name: 'payments', config, build: buildApp });
      running.push(app);
      postbox.forwardTo = app.url;
      return app;
    },
    spawn: async (changes = {}) => {
      const settings = {
        ...environment,
        INSTANCE: 'payments-1',
        LAB_MODE: '1',
        PROVIDER_TIMEOUT_MS: '600',
        ...changes,
      };
      const process = await spawnService(main, settings);
      processes.push(process);
      return process;
    },
    told: async (orderId, type, limitMs) => {
      const found = await until(
        `${type} of ${orderId}`,
        () => peer.heard(orderId).find((message) => message.type === type),
        limitMs,
      );
      return found.body as never;
    },
    events: (orderId) => [...new Map(peer.heard(orderId).map((message) => [message.id, message.type])).values()],
    ledger: async (orderId) =>
      await test.database.query<Entry & Record<string, unknown>>(
        'SELECT kind, amount::int AS amount, source FROM ledger WHERE order_id = $1 ORDER BY at, kind',
        [orderId],
      ),
    row: async (orderId) => {
      const [row] = await test.database.query<{ state: string; wanted: string; unsettled: boolean }>(
        'SELECT state, wanted, unsettled FROM payments WHERE order_id = $1',
        [orderId],
      );
      assert.ok(row, `there is a payment for ${orderId}`);
      return row;
    },
    witness: async (orderId) => {
      const rows = (await (await fetch(`${apiBase}/ledger?orderId=${orderId}`)).json()) as Record<string, number>[];
      const sum = (name: string): number => rows.reduce((total, row) => total + (row[name] ?? 0), 0);
      return { authorized: sum('authorized'), captured: sum('captured'), refunded: sum('refunded') };
    },
    close: async () => {
      postbox.forwardTo = null;
      for (const process of processes) if (!process.gone) await process.end('SIGKILL');
      for (const app of running) await app.stop();
      await closeProvider();
      await closePostbox();
      await broker.clean(['payments.commands']);
      await test.drop();
      await rm(dataDirectory, { recursive: true });
    },
  };
}

async function openPostbox(): Promise<{ postbox: Postbox; url: string; close: () => Promise<void> }> {
  const postbox: Postbox = {
    received: [],
    forwardTo: null,
    deliver: ({ path, headers, body }, to) =>
      fetch(to + path, { method: 'POST', headers, body: new Uint8Array(body), signal: AbortSignal.timeout(30_000) }),
  };
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const kept = Object.entries(request.headers).filter(([name]) => /^(content-type|stripe-|paypal-)/.test(name));
      const headers = Object.fromEntries(kept) as Record<string, string>;
      const webhook = { path: request.url ?? '', headers, body: Buffer.concat(chunks) };
      postbox.received.push(webhook);
      if (postbox.forwardTo === null) return void response.end();
      postbox.deliver(webhook, postbox.forwardTo).then(
        (answer) => response.writeHead(answer.status).end(),
        () => response.writeHead(503).end(),
      );
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    postbox,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Which provider knows a method. */
export const providerOf = (method: string): PaymentProviderName => (method.startsWith('paypal') ? 'paypal' : 'stripe');

/** A command to payments, with an id of its own. */
export function authorize(orderId: string, method = 'pm_card_visa'): Message {
  const body = { orderId, provider: providerOf(method), method, amount, currency };
  return createMessage({ type: 'AuthorizePayment', correlationId: orderId, body });
}
export const capture = (orderId: string): Message =>
  createMessage({ type: 'CapturePayment', correlationId: orderId, body: { orderId } });
export const cancel = (orderId: string): Message =>
  createMessage({ type: 'CancelPayment', correlationId: orderId, body: { orderId } });
/** The cancellation of an operator who has the refund tried again. */
export const cancelAgain = (orderId: string, retry: number): Message =>
  createMessage({ type: 'CancelPayment', correlationId: orderId, body: { orderId, retry } });
/** `retry` where the claim is granted again. */
export const refund = (orderId: string, claimId: string, retry?: number): Message =>
  createMessage({
    type: 'RefundPayment',
    correlationId: orderId,
    body: { orderId, claimId, ...(retry === undefined ? {} : { retry }) },
  });

/** An order nobody has heard of. */
export const newOrder = (): string => randomUUIDv7();

/** One of Stripe's events about an order, signed; `at` is when, in seconds since 1970. */
export function stripeEvent(
  orderId: string,
  type: string,
  change: { amount?: number; currency?: string; id?: string; at?: number; secret?: string } = {},
): SentWebhook {
  const { at = Math.floor(Date.now() / 1000), amount: sum = amount, id = `evt_${randomUUIDv7()}` } = change;
  const object = {
    id: 'pi_test',
    object: 'payment_intent',
    status: 'succeeded',
    amount: sum,
    amount_capturable: sum,
    amount_received: sum,
    currency: change.currency ?? 'eur',
    latest_charge: 'ch_test',
    metadata: { order_id: orderId },
  };
  const body = JSON.stringify({ id, object: 'event', type, created: at, data: { object } });
  const signature = createHmac('sha256', change.secret ?? webhookSecret)
    .update(`${at}.${body}`)
    .digest('hex');
  return {
    path: '/webhooks/stripe',
    headers: { 'content-type': 'application/json', 'stripe-signature': `t=${at},v1=${signature}` },
    body: Buffer.from(body),
  };
}
