/**
 * What the check of webhooks needs around payments: a payment provider whose webhooks are kept instead of delivered, the
 * real payments service as a process, and a note of every move that a payment makes, taken by the database itself.
 */
import { createHmac, randomUUIDv7 } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildStandIn } from '@ballast/payment-provider-stand-in';
import {
  freePort,
  spawnService,
  testBroker,
  testDatabase,
  type ServiceProcess,
  type TestDatabase,
  type TestPeer,
} from '@ballast/testing';

const paymentsMain = join(import.meta.dirname, '../../../apps/payments/src/main.ts');
const [stripeKey, stripeSecret, payPalId] = ['sk_test_campaign', 'whsec_campaign', 'WEBHOOK-CAMPAIGN'];

/** A webhook as the provider signed and sent it. */
export interface SentWebhook {
  /** The provider's own id of the event. */
  eventId: string;
  path: string;
  headers: Record<string, string>;
  body: string;
}

/** A line of the provider's ledger; amounts in minor units. */
export interface WitnessLine {
  orderId: string;
  captured: number;
  refunded: number;
}

export interface WebhookBench {
  database: TestDatabase;
  peer: TestPeer;
  /** Base URL of payments; the same in every life of the process. */
  url: string;
  /** Ends the process with SIGKILL and starts the next one. */
  kill(): Promise<void>;
  witness(): Promise<WitnessLine[]>;
  close(): Promise<void>;
}

/** Opens it, with payments running. Needs PostgreSQL and RabbitMQ (TEST_…_URL). `sent` is told of every new webhook. */
export async function openWebhookBench(options: {
  defects: string;
  sent: (webhook: SentWebhook) => void;
}): Promise<WebhookBench> {
  const closers: (() => Promise<unknown>)[] = [];
  const close = async (): Promise<void> => {
    for (const closer of closers.toReversed()) await closer();
  };
  try {
    const database = await testDatabase({ schema: 'payments', sets: [] });
    closers.push(() => database.drop());
    const broker = await testBroker();
    closers.push(() => broker.clean(['payments.commands']));
    const peer = await broker.peer(['PaymentAuthorized', 'PaymentCaptured', 'PaymentCancelled']);
    const postbox = await openPostbox(options.sent);
    closers.push(postbox.close);
    const provider = await openProvider(postbox.url);
    closers.push(provider.close);
    const environment = {
      PORT: String(await freePort()),
      INSTANCE: 'payments-1',
      LAB_MODE: '1',
      DEFECTS: options.defects,
      // A reply is noted a little late, as over a long line: so webhooks are often faster, which is what is looked at.
      FAULTS: 'after-provider-call=delay:150x1000000',
      POSTGRES_URL: database.url,
      AMQP_URL: broker.url,
      MESSAGING_NAMESPACE: broker.namespace,
      IDENTITY_URL: 'http://127.0.0.1:9',
      STRIPE_API_BASE: provider.url,
      STRIPE_SECRET_KEY: stripeKey,
      STRIPE_WEBHOOK_SECRET: stripeSecret,
      PAYPAL_API_BASE: provider.url,
      PAYPAL_CLIENT_ID: 'client',
      PAYPAL_CLIENT_SECRET: 'secret',
      PAYPAL_WEBHOOK_ID: payPalId,
      PAYPAL_CERT_HOSTS: new URL(provider.url).host,
    };
    let service: ServiceProcess = await spawnService(paymentsMain, environment);
    closers.push(() => service.end('SIGKILL'));
    await service.ready();
    await noteMoves(database);
    return {
      database,
      peer,
      url: service.url,
      kill: async () => {
        await service.end('SIGKILL');
        // The dead one's leases would run out by themselves after eight seconds.
        await database.database.query(`UPDATE payments SET leased_until = '-infinity' WHERE unsettled`);
        service = await spawnService(paymentsMain, environment);
        await service.ready();
      },
      witness: async () => {
        const response = await fetch(`${provider.url}/ledger`, { signal: AbortSignal.timeout(10_000) });
        return (await response.json()) as WitnessLine[];
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Every change of a payment's state, in order, whoever makes it. */
async function noteMoves({ database }: TestDatabase): Promise<void> {
  await database.query(`CREATE TABLE moves (id bigint GENERATED ALWAYS AS IDENTITY, order_id uuid, move text)`);
  await database.query(`
    CREATE FUNCTION note_move() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      INSERT INTO moves (order_id, move) VALUES (NEW.order_id, OLD.state || ' > ' || NEW.state);
      RETURN NULL;
    END $$`);
  await database.query(`
    CREATE TRIGGER note_move AFTER UPDATE ON payments
       FOR EACH ROW WHEN (OLD.state <> NEW.state) EXECUTE FUNCTION note_move()`);
}

async function openProvider(postboxUrl: string): Promise<{ url: string; close: () => Promise<void> }> {
  const dataDirectory = await mkdtemp(join(tmpdir(), 'ballast-webhooks-'));
  const standIn = await buildStandIn({
    dataDirectory,
    stripe: { secretKey: stripeKey, webhookSecret: stripeSecret, webhookUrl: `${postboxUrl}/webhooks/stripe` },
    paypal: {
      clientId: 'client',
      clientSecret: 'secret',
      webhookId: payPalId,
      webhookUrl: `${postboxUrl}/webhooks/paypal`,
    },
  });
  const port = await freePort();
  await standIn.listen({ host: '127.0.0.1', port });
  return {
    url: `http://127.0.0.1:${port}`,
    close: async () => {
      await standIn.close();
      await rm(dataDirectory, { recursive: true });
    },
  };
}

/** Takes every webhook the provider sends, and answers 204 at once. */
async function openPostbox(sent: (webhook: SentWebhook) => void): Promise<{ url: string; close: () => Promise<void> }> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const kept = Object.entries(request.headers).filter(([name]) => /^(content-type|stripe-|paypal-)/.test(name));
      const body = Buffer.concat(chunks).toString();
      const { id } = JSON.parse(body) as { id: string };
      sent({ eventId: id, path: request.url ?? '', headers: Object.fromEntries(kept) as Record<string, string>, body });
      response.writeHead(204).end();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Stripe's word, with a good signature, that a payment was taken: of whatever amount, in minor units. */
export function forgedCapture(orderId: string, amount: number, currency: string): SentWebhook {
  const eventId = `evt_${randomUUIDv7()}`;
  const at = Math.floor(Date.now() / 1000);
  const object = {
    id: 'pi_forged',
    object: 'payment_intent',
    status: 'succeeded',
    amount,
    amount_capturable: 0,
    amount_received: amount,
    currency: currency.toLowerCase(),
    latest_charge: 'ch_forged',
    metadata: { order_id: orderId },
  };
  const type = 'payment_intent.succeeded';
  const body = JSON.stringify({ id: eventId, object: 'event', type, created: at, data: { object } });
  const signature = createHmac('sha256', stripeSecret).update(`${at}.${body}`).digest('hex');
  return {
    eventId,
    path: '/webhooks/stripe',
    headers: { 'content-type': 'application/json', 'stripe-signature': `t=${at},v1=${signature}` },
    body,
  };
}
