/** The bff, wired. */
import { join } from 'node:path';
import { createDatabase, migrate } from '@ballast/postgres';
import {
  addLabRoutes,
  authentication,
  bearerVerifier,
  createHttpServer,
  faultRoutes,
  followRevocations,
  type App,
  type BuildContext,
  type HttpServer,
} from '@ballast/service';
import { eventStreams } from './clients/event-stream.ts';
import { createIdentity } from './clients/identity.ts';
import { upstreamChecks } from './clients/readiness.ts';
import { Upstream } from './clients/upstream.ts';
import type { Config } from './config.ts';
import { orderEventRoutes } from './routes/order-events.ts';
import { orderRoutes } from './routes/orders.ts';
import { pageRoutes } from './routes/pages.ts';
import { paymentRoutes } from './routes/payments.ts';
import { productRoutes, stockRoutes } from './routes/products.ts';
import { sessionRoutes } from './routes/session.ts';
import { webhookRoutes } from './routes/webhooks.ts';
import { sessionCookies } from './session/cookie.ts';
import { guardSession, tokenFrom } from './session/guard.ts';
import { deriveKeys } from './session/keys.ts';
import { createSessions } from './session/sessions.ts';
import { tokenBox } from './session/token-box.ts';
import { startSweeping } from './session/sweep.ts';
import { sessionStore } from './store/sessions.ts';

/** Migrates the schema `bff`, then builds the server. Rejects where the database cannot be used. */
export async function buildApp({ config, logger, metrics }: BuildContext<Config>): Promise<App> {
  const migrations = { name: 'bff', directory: join(import.meta.dirname, '../migrations') };
  await migrate({ url: config.POSTGRES_URL, schema: 'bff', sets: [migrations] });
  const database = createDatabase({
    url: config.POSTGRES_URL,
    applicationName: config.INSTANCE,
    onIdleError: (error) => logger.warn({ err: error }, 'database connection lost'),
  });

  const failures = metrics.counter(
    'bff_upstream_failures_total',
    'Attempts at a call to a service that got no answer.',
    ['upstream', 'kind'],
  );
  const upstream = (name: string, origins: readonly string[]): Upstream =>
    new Upstream({ name, origins, onFailure: (kind) => failures.inc({ upstream: name, kind }) });
  const identityUpstream = upstream('identity', config.identityOrigins);
  const catalog = upstream('catalog', config.catalogOrigins);
  const checkout = upstream('checkout', config.checkoutOrigins);
  const payments = upstream('payments', config.paymentsOrigins);
  const upstreams = [identityUpstream, catalog, checkout, payments];

  const keys = deriveKeys(config.SESSION_SECRET);
  const cookies = sessionCookies(keys, { secure: config.secureCookies });
  const identity = createIdentity(identityUpstream);
  const refreshes = metrics.counter('bff_session_refreshes_total', 'Access tokens exchanged for new ones.', [
    'outcome',
  ]);
  const sessions = createSessions({
    store: sessionStore(database),
    identity,
    box: tokenBox(keys.tokens),
    logger,
    onRefresh: (outcome) => refreshes.inc({ outcome }),
  });

  const server = await createHttpServer({
    name: 'bff',
    instance: config.INSTANCE,
    logger,
    metrics,
    checks: [{ name: 'database', check: () => database.ping() }, ...upstreamChecks(upstreams)],
  });
  const openStreams = metrics.gauge('bff_open_streams', 'Live streams (SSE) open now.');
  const streams = eventStreams({ onSize: (size) => openStreams.set(size) });
  server.draining.addEventListener('abort', () => streams.endAll());

  // Three scopes by whom they are for. What is public never pays for, or depends on, sessions.
  await server.register(async (scope: HttpServer) => {
    productRoutes(scope, catalog);
    paymentRoutes(scope, { payments, checkout });
  });
  await server.register(async (scope: HttpServer) => webhookRoutes(scope, payments));
  await server.register((scope: HttpServer) =>
    pageRoutes(scope, { directory: config.STOREFRONT_DIST, https: config.secureCookies }),
  );

  await server.register(async (scope: HttpServer) => {
    await guardSession(scope, cookies, { cookieOnly: true });
    sessionRoutes(scope, { sessions, cookies, identity, labMode: config.LAB_MODE === '1' });
  });

  const verify = bearerVerifier({
    issuer: config.IDENTITY_URL,
    jwksUrl: new URL('/.well-known/jwks.json', config.IDENTITY_URL),
  });
  await server.register(async (scope: HttpServer) => {
    await guardSession(scope, cookies, { cookieOnly: false });
    const revocations = followRevocations(config.IDENTITY_URL, logger, metrics);
    await scope.register(authentication, { verify, revocations, tokenOf: tokenFrom(sessions) });
    await addLabRoutes(scope, faultRoutes);
    stockRoutes(scope, catalog);
    orderRoutes(scope, checkout);
    orderEventRoutes(scope, checkout, streams);
  });

  let stopSweeping: (() => Promise<void>) | undefined;
  return {
    server,
    start: async () => {
      stopSweeping = startSweeping(sessions, logger);
    },
    stop: async () => {
      await stopSweeping?.();
      await Promise.all(upstreams.map((each) => each.close()));
      await database.close();
    },
  };
}
