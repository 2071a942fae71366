// What the stand-in's tests share: a data directory, a receiver for webhooks, and raw calls.

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Stripe } from 'stripe';
import { buildStandIn, type StandIn, type StandInOptions } from '../src/app.ts';

/** Longer than any test, in milliseconds: what waits for so long is still waiting, however slow the machine is. */
export const never = 3_600_000;

/** A webhook as it arrived. */
export type Received = { id: string; type: string; headers: Record<string, unknown>; body: string };

/** A receiver whose answers the test chooses. */
export type Receiver = {
  url: string;
  received: Received[];
  /** Status to answer with; 0 closes the connection instead. */
  answer: (received: Received) => number | Promise<number>;
  close: () => Promise<void>;
};

/** Listens on a free port; answers 200 until told otherwise. */
export async function startReceiver(): Promise<Receiver> {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    const finish = async (): Promise<void> => {
      const body = Buffer.concat(chunks).toString('utf8');
      const event = JSON.parse(body) as { id: string; type?: string; event_type?: string };
      const type = event.type ?? event.event_type ?? '';
      const item = { id: event.id, type, headers: request.headers, body };
      received.push(item);
      const status = await receiver.answer(item);
      if (status === 0) {
        response.destroy();
        return;
      }
      response.statusCode = status;
      response.end();
    };
    request.on('end', () => {
      finish().catch((error: unknown) => response.destroy(error as Error));
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const receiver: Receiver = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    answer: () => 200,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    },
  };
  return receiver;
}

/** A fresh directory, and how to remove it. */
export async function temporaryDirectory(): Promise<{ path: string; remove: () => Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'ballast-stand-in-'));
  return { path, remove: () => rm(path, { recursive: true }) };
}

/** Options with everything filled in; webhooks go to `receiver` if there is one. */
export function optionsFor(
  dataDirectory: string,
  receiver?: Receiver,
  change: Partial<StandInOptions> = {},
): StandInOptions {
  return {
    dataDirectory,
    stripe: {
      secretKey: 'sk_test_a',
      webhookSecret: 'whsec_a',
      ...(receiver === undefined ? {} : { webhookUrl: `${receiver.url}/stripe` }),
    },
    paypal: {
      clientId: 'client',
      clientSecret: 'secret',
      webhookId: 'WEBHOOK-1',
      ...(receiver === undefined ? {} : { webhookUrl: `${receiver.url}/paypal` }),
    },
    delays: { slow: 100, very_slow: 200 },
    firstRetryMilliseconds: 20,
    ...change,
  };
}

/** A stand-in that listens, and clients for it. */
export type Running = {
  standIn: StandIn;
  base: string;
  stripe: Stripe;
  paypal: PayPalCaller;
  ledger: () => Promise<LedgerRow[]>;
};

/** One row of `GET /ledger`. */
export type LedgerRow = {
  orderId: string;
  provider: string;
  currency: string;
  authorized: number;
  captured: number;
  refunded: number;
};

/** Calls PayPal's API with a token. */
export type PayPalCaller = (
  method: string,
  path: string,
  body?: unknown,
  headers?: Record<string, string>,
) => Promise<{ status: number; body: PayPalBody }>;

/** The fields of PayPal's replies that tests look at; which of them are there depends on the call. */
export type PayPalBody = {
  id: string;
  status: string;
  custom_id: string;
  amount: { currency_code: string; value: string };
  seller_payable_breakdown: { total_refunded_amount: { value: string } };
  purchase_units: [
    {
      payments: {
        authorizations: [{ id: string; status: string }];
        captures: [{ status: string }];
      };
    },
  ];
  name: string;
  debug_id: string;
  details: [{ issue: string }];
};

/** Starts a stand-in and the unchanged Stripe SDK for it. */
export async function run(options: StandInOptions): Promise<Running> {
  const standIn = await buildStandIn(options);
  const base = await standIn.listen({ host: '127.0.0.1', port: 0 });
  const { hostname, port } = new URL(base);
  const stripe = new Stripe(options.stripe.secretKey, {
    host: hostname,
    port: Number(port),
    protocol: 'http',
    maxNetworkRetries: 0,
    telemetry: false,
  });
  const ledger = async (): Promise<LedgerRow[]> => {
    const reply = await fetch(`${base}/ledger`);
    return (await reply.json()) as LedgerRow[];
  };
  return { standIn, base, stripe, paypal: await payPalCaller(base), ledger };
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

/** What creates a payment. */
export function paymentOf(orderId: string, method = 'pm_card_visa', amount = 1000): Stripe.PaymentIntentCreateParams {
  return {
    amount,
    currency: 'eur',
    confirm: true,
    capture_method: 'manual',
    payment_method: method,
    metadata: { order_id: orderId },
  };
}

/** What creates a PayPal order. */
export function orderOf(orderId: string, vaultId = 'paypal_approve', value = '10.00'): object {
  return {
    intent: 'AUTHORIZE',
    purchase_units: [{ custom_id: orderId, amount: { currency_code: 'EUR', value } }],
    payment_source: { paypal: { vault_id: vaultId } },
  };
}

async function payPalCaller(base: string): Promise<PayPalCaller> {
  const reply = await fetch(`${base}/v1/oauth2/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from('client:secret').toString('base64')}` },
    body: new URLSearchParams({ grant_type: 'client_credentials' }),
  });
  const { access_token: token } = (await reply.json()) as { access_token: string };
  return async (method, path, body, headers = {}) => {
    const answer = await fetch(`${base}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        prefer: 'return=representation',
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    return { status: answer.status, body: (text === '' ? undefined : JSON.parse(text)) as PayPalBody };
  };
}
