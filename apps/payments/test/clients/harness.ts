// What the client tests share: a stand-in of their own, a receiver for its webhooks, and the clients.

import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomUUID } from 'node:crypto';
import { buildStandIn, type StandIn, type StandInOptions } from '@ballast/payment-provider-stand-in';
import type { PaymentProvider, WebhookEvidence } from '../../src/clients/provider.ts';
import { createProviders, type Providers, type ProvidersOptions } from '../../src/clients/providers.ts';

/** A webhook as it arrived. */
export type Received = {
  path: string;
  headers: IncomingHttpHeaders;
  body: Buffer;
  at: number;
};

/** A server that keeps what it is sent. */
export type Receiver = {
  url: string;
  received: Received[];
  close: () => Promise<void>;
};

/** Listens on a free port and answers 200 to everything. */
export async function startReceiver(): Promise<Receiver> {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { url = '', headers } = request;
      received.push({ path: url, headers, body: Buffer.concat(chunks), at: performance.now() });
      response.end();
    });
  });
  return { url: await listen(server), received, close: () => close(server) };
}

/** Listens on a free port of 127.0.0.1 and returns the base URL. */
export async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Closes a server with all its connections. */
export async function close(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise((resolve) => {
    server.close(resolve);
  });
}

/** Everything a client test needs. */
export type Bench = {
  standIn: StandIn;
  base: string;
  receiver: Receiver;
  providers: Providers;
  options: ProvidersOptions;
  close: () => Promise<void>;
};

/** Starts a stand-in with its own data directory, and clients for it. */
export async function startBench(
  change: { standIn?: Partial<StandInOptions>; clients?: Partial<ProvidersOptions> } = {},
): Promise<Bench> {
  const receiver = await startReceiver();
  const dataDirectory = await mkdtemp(join(tmpdir(), 'ballast-stand-in-'));
  const standIn = await buildStandIn({
    dataDirectory,
    stripe: {
      secretKey: 'sk_test_bench',
      webhookSecret: 'whsec_bench',
      webhookUrl: `${receiver.url}/webhooks/stripe`,
    },
    paypal: {
      clientId: 'client',
      clientSecret: 'secret',
      webhookId: 'WEBHOOK-1',
      webhookUrl: `${receiver.url}/webhooks/paypal`,
    },
    delays: { slow: 200, very_slow: 900 },
    firstRetryMilliseconds: 50,
    ...change.standIn,
  });
  const base = await standIn.listen({ host: '127.0.0.1', port: 0 });
  const options: ProvidersOptions = {
    stripe: { apiBase: base, secretKey: 'sk_test_bench', webhookSecret: 'whsec_bench' },
    paypal: {
      apiBase: base,
      clientId: 'client',
      clientSecret: 'secret',
      webhookId: 'WEBHOOK-1',
      certificateHosts: [new URL(base).host],
    },
    ...change.clients,
  };
  const providers = createProviders(options);
  return {
    standIn,
    base,
    receiver,
    providers,
    options,
    async close() {
      await providers.close();
      await standIn.close();
      await receiver.close();
      await rm(dataDirectory, { recursive: true });
    },
  };
}

/** Polls until `find` returns something. Fails after `limit` milliseconds. */
export async function until<Value>(
  what: string,
  find: () => Value | undefined | Promise<Value | undefined>,
  limit = 45_000,
): Promise<Value> {
  const deadline = performance.now() + limit;
  for (;;) {
    const value = await find();
    if (value !== undefined) return value;
    if (performance.now() > deadline) throw new Error(`Waited ${limit} ms in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Verifies what was received so far about an order, in the order of arrival. */
export async function evidenceAbout(bench: Bench, orderId: string): Promise<WebhookEvidence[]> {
  const all = await Promise.all(
    bench.receiver.received
      .filter((webhook) => webhook.body.includes(orderId))
      .map((webhook) => providerOf(bench, webhook).verifyWebhook(webhook.body, webhook.headers)),
  );
  return all.filter((evidence) => evidence.orderId === orderId);
}

/** The client a received webhook is for. */
export function providerOf(bench: Bench, webhook: Pick<Received, 'path'>): PaymentProvider {
  return webhook.path.endsWith('paypal') ? bench.providers.paypal : bench.providers.stripe;
}

/** An order to pay: fresh id, 12.34 EUR. */
export function newOrder(amount = 1234, currency = 'EUR') {
  const orderId = randomUUID();
  return { orderId, amount, currency, key: (step: string) => `${orderId}-${step}` };
}

/** Authorises and expects it to work. */
export async function authorize(
  provider: PaymentProvider,
  order: ReturnType<typeof newOrder>,
  method: string,
): Promise<string> {
  const { orderId, amount, currency } = order;
  const idempotencyKey = order.key('authorize');
  const result = await provider.authorize({ orderId, amount, currency, method, idempotencyKey });
  if (result.outcome !== 'authorized') throw new Error(`declined: ${result.code}`);
  return result.reference;
}

/** The stand-in's ledger rows of an order. */
export async function ledgerOf(bench: Bench, orderId: string): Promise<unknown> {
  const reply = await fetch(`${bench.base}/ledger?orderId=${orderId}`);
  return reply.json();
}
