// Wires the stand-in together: journal, state, webhooks, both APIs, and the pages that are its own
// (`/ledger`, `/methods`, `/healthz`). Importable, so that tests run it in their own process.

import { randomUUID } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import Fastify, { LogController, type FastifyInstance, type FastifyReply } from 'fastify';
import { Type } from 'typebox';
import { loadCertificate } from './certificate.ts';
import { IdempotencyStore } from './idempotency.ts';
import { openJournal, type Journal } from './journal.ts';
import { METHODS } from './methods.ts';
import type { JournalRecord, World } from './operations.ts';
import { AccessTokens, payPalRoutes, payPalTokenRoute } from './paypal-routes.ts';
import { State } from './state.ts';
import { stripeRoutes } from './stripe-routes.ts';
import { WebhookDelivery, type Receiver } from './webhook-delivery.ts';
import { payPalHeaders, stripeHeaders } from './webhook-signing.ts';

/** Everything the stand-in is told from outside. */
export type StandInOptions = {
  /** Where the journal and the certificate are kept; made if missing. */
  dataDirectory: string;
  /** Where clients reach it, for the links in its answers and its certificate's address. Default: where it listens. */
  publicUrl?: string;
  /** A webhook URL left out means that provider sends none. */
  stripe: { secretKey: string; webhookSecret: string; webhookUrl?: string };
  paypal: { clientId: string; clientSecret: string; webhookId: string; webhookUrl?: string };
  /** Milliseconds the slow methods take. Default 3,000 and 8,000. */
  delays?: { slow?: number; very_slow?: number };
  /** Milliseconds before a webhook is tried again; grows to ten times as much. Default 1,000. */
  firstRetryMilliseconds?: number;
  /** How many answers are kept for their idempotency keys. Default 100,000. */
  maximumIdempotencyRecords?: number;
  /** Log lines of this level and above go to standard output as JSON. Default: none. */
  logLevel?: string;
};

/** A stand-in that is ready to listen. */
export type StandIn = {
  app: FastifyInstance;
  /** Starts listening and delivering; returns the base URL. Port 0 takes any free one. */
  listen: (address: { host: string; port: number }) => Promise<string>;
  /** Forgets PayPal's access tokens, as a restart does. */
  forgetAccessTokens: () => void;
  /** Stops listening and delivering and closes the journal. */
  close: () => Promise<void>;
};

/** Replays the journal and builds the server. Throws if the journal is damaged or cannot be opened. */
export async function buildStandIn(options: StandInOptions): Promise<StandIn> {
  await mkdir(options.dataDirectory, { recursive: true });
  const certificate = await loadCertificate(options.dataDirectory);
  const app = Fastify({
    logger: options.logLevel === undefined ? false : { level: options.logLevel },
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: 256 * 1024,
    requestTimeout: 15_000,
    keepAliveTimeout: 65_000,
    forceCloseConnections: 'idle',
  });
  let base = '';
  const certificatePath = `/v1/notifications/certs/${certificate.name}`;
  const state = new State();
  const idempotency = new IdempotencyStore(options.maximumIdempotencyRecords ?? 100_000);
  const closing = new AbortController();
  let journal: Journal<JournalRecord> | undefined;
  const delivery = new WebhookDelivery({
    receivers: {
      ...receiver('stripe', options.stripe.webhookUrl, async (body) =>
        stripeHeaders(body, options.stripe.webhookSecret),
      ),
      ...receiver('paypal', options.paypal.webhookUrl, (body) =>
        payPalHeaders(body, options.paypal.webhookId, certificate, `${base}${certificatePath}`),
      ),
    },
    recordDone: async (id) => journal?.append([{ kind: 'webhook.done', id }]),
    warn: (details, message) => app.log.warn(details, message),
    ...(options.firstRetryMilliseconds === undefined ? {} : { firstRetryMilliseconds: options.firstRetryMilliseconds }),
  });
  journal = await openJournal<JournalRecord>(join(options.dataDirectory, 'journal.jsonl'), (record) => {
    if (record.kind === 'idempotency') idempotency.apply(record);
    else if (record.kind === 'webhook' || record.kind === 'webhook.done') delivery.apply(record);
    else state.apply(record);
  });
  const world: World = {
    state,
    journal,
    idempotency,
    delivery,
    delays: { slow: options.delays?.slow ?? 3_000, very_slow: options.delays?.very_slow ?? 8_000 },
    closing: closing.signal,
  };

  const tokens = new AccessTokens();
  ownRoutes(app, world, { path: certificatePath, pem: certificate.certificate });
  app.register(async (scope) => stripeRoutes(scope, world, options.stripe.secretKey), {
    prefix: '/v1',
  });
  app.register(async (scope) => payPalTokenRoute(scope, tokens, options.paypal));
  app.register(async (scope) => payPalRoutes(scope, world, tokens, () => base), { prefix: '/v2' });
  await app.ready();

  return {
    app,
    async listen(address) {
      const listening = await app.listen(address);
      base = options.publicUrl ?? listening;
      delivery.start();
      return listening;
    },
    forgetAccessTokens: () => tokens.forgetAll(),
    async close() {
      closing.abort();
      // Nothing more is sent while the last requests are waited for: what they bring stays in the journal.
      const delivered = delivery.close();
      await app.close();
      await delivered;
      await world.journal.close();
    },
  };
}

const LedgerQuery = Type.Object({
  orderId: Type.Optional(Type.String({ maxLength: 500 })),
  /** A cursor as an earlier answer carried it: only what has changed since. */
  after: Type.Optional(Type.String({ maxLength: 60, pattern: '^[0-9a-f-]{36}\\.[0-9]{1,15}$' })),
});

function ownRoutes(app: FastifyInstance, world: World, certificate: { path: string; pem: string }): void {
  /** Cursors are those of this process: another one may have read its journal in another order. */
  const life = randomUUID();
  app.get<{ Querystring: { orderId?: string; after?: string } }>(
    '/ledger',
    { schema: { querystring: LedgerQuery } },
    async ({ query: { orderId, after } }, reply) => {
      await world.journal.settled();
      const { state } = world;
      reply.header('x-ledger-cursor', `${life}.${state.ledgerChanges}`);
      const [of, changes] = (after ?? '').split('.');
      if (orderId !== undefined || after === undefined || of !== life) return state.ledger(orderId);
      // Says that this is not all of it.
      reply.header('x-ledger-after', after);
      return state.ledgerSince(Number(changes));
    },
  );
  app.setErrorHandler((error, _request, reply) => {
    const status = (error as { statusCode?: number }).statusCode ?? 500;
    return problem(reply, status, status < 500 ? (error as Error).message : 'Something went wrong');
  });
  app.setNotFoundHandler((request, reply) =>
    problem(reply, 404, `There is no ${request.method} ${request.url.slice(0, 200)}`),
  );
  app.get('/methods', async () =>
    METHODS.map(({ provider, method, label, outcome }) => ({ provider, method, label, outcome })),
  );
  app.get('/healthz', async (_request, reply) => {
    try {
      await world.journal.settled();
    } catch (error) {
      return reply.code(503).send({ status: 'failing', detail: (error as Error).message });
    }
    return { status: 'ok', webhooksPending: world.delivery.size };
  });
  app.get(certificate.path, async (_request, reply) => reply.type('application/x-pem-file').send(certificate.pem));
}

/** RFC 9457, for the addresses that are neither Stripe's nor PayPal's. */
function problem(reply: FastifyReply, status: number, detail: string): FastifyReply {
  return reply
    .code(status)
    .type('application/problem+json')
    .send(JSON.stringify({ status, code: status === 404 ? 'not_found' : 'error', detail }));
}

function receiver(
  provider: 'stripe' | 'paypal',
  url: string | undefined,
  sign: Receiver['sign'],
): Partial<Record<'stripe' | 'paypal', Receiver>> {
  return url === undefined ? {} : { [provider]: { url: new URL(url), sign } };
}
