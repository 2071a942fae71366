/** The bff, wired. */
import { join } from 'node:path';
import { idempotencyMigrations } from '@ballast/idempotency';
import { openDatabase, type DatabaseOptions } from '@ballast/postgres';
import { credentialLabRoutes } from '@ballast/postgres/lab';
import {
  addLabRoutes,
  authentication,
  bearerVerifier,
  commonLabRoutes,
  createHttpServer,
  followRevocations,
  type App,
  type BuildContext,
  type HttpServer,
} from '@ballast/service';
import { eventStreams } from './clients/event-stream.ts';
import { createIdentity } from './clients/identity.ts';
import { createKeyedWrites } from './clients/keyed-writes.ts';
import { createInstances } from './clients/instances.ts';
import { createPrometheus } from './clients/prometheus.ts';
import { upstreamChecks } from './clients/readiness.ts';
import { Upstream } from './clients/upstream.ts';
import { createUpstreams } from './clients/upstreams.ts';
import type { Config } from './config.ts';
import { openBuckets } from './limits/buckets.ts';
import { callers } from './limits/callers.ts';
import { createRateLimits } from './limits/rate-limit.ts';
import { chaosRoutes } from './routes/chaos/index.ts';
import { claimRoutes } from './routes/claims.ts';
import { labRoutes } from './routes/lab/index.ts';
import { orderEventRoutes } from './routes/order-events.ts';
import { orderRoutes } from './routes/orders.ts';
import { pageRoutes } from './routes/pages.ts';
import { panelRoutes } from './routes/panels.ts';
import { paymentRoutes } from './routes/payments.ts';
import { productRoutes, stockRoutes } from './routes/products.ts';
import { credentialRoutes, sessionRoutes } from './routes/session.ts';
import { webhookRoutes } from './routes/webhooks.ts';
import { sessionCookies } from './session/cookie.ts';
import { guardSession, tokenFrom } from './session/guard.ts';
import { deriveKeys } from './session/keys.ts';
import { createSessions } from './session/sessions.ts';
import { tokenBox } from './session/token-box.ts';
import { startSweeping } from './session/sweep.ts';
import { sessionStore } from './store/sessions.ts';

/** How long a caller waits for the database, in ms. */
export type DatabaseLimits = Required<
  Pick<DatabaseOptions, 'connectTimeoutMs' | 'statementTimeoutMs' | 'queryTimeoutMs'>
>;

/** A caller is told within a second that the database is in trouble, be it slow, full or frozen. */
export const databaseLimits: DatabaseLimits = { connectTimeoutMs: 900, statementTimeoutMs: 800, queryTimeoutMs: 900 };

/**
 * Migrates the schema `bff`, then builds the server. Rejects where the database cannot be used. Tests that are
 * not about how long the database may take give it longer.
 */
export async function buildApp(
  { config, logger, metrics }: BuildContext<Config>,
  waitFor: DatabaseLimits = databaseLimits,
): Promise<App> {
  const migrations = { name: 'bff', directory: join(import.meta.dirname, '../migrations') };
  const database = await openDatabase(config, {
    applicationName: config.INSTANCE,
    ...waitFor,
    migrations: { schema: 'bff', sets: [migrations, idempotencyMigrations] },
    logger,
    metrics,
    onIdleError: (error) => logger.warn({ err: error }, 'database connection lost'),
  });

  const origins = {
    identity: config.identityOrigins,
    catalog: config.catalogOrigins,
    checkout: config.checkoutOrigins,
    payments: config.paymentsOrigins,
    claims: config.claimsOrigins,
  };
  const services = createUpstreams(origins, { logger, metrics });
  const instances = createInstances(origins);
  // Beside the others: it is no part of the shop, and neither readiness nor `/lab` look at it.
  const chaos =
    config.CHAOS_URL === undefined
      ? null
      : new Upstream({ name: 'chaos', origins: [new URL(config.CHAOS_URL).origin] });
  const prometheus = config.prometheus === null ? null : createPrometheus(config.prometheus);
  const { catalog, checkout, payments, claims } = services;
  const upstreams = Object.values(services);
  // A shop without complaints is still a shop: claims being away does not make the bff unready.
  const needed = upstreams.filter((upstream) => upstream !== claims);

  const keys = deriveKeys(config.SESSION_SECRET);
  const cookies = sessionCookies(keys, { secure: config.secureCookies });
  const identity = createIdentity(services.identity);
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

  const keyedWrites = createKeyedWrites({ database, instance: config.INSTANCE, logger, metrics });

  const server = await createHttpServer({
    name: 'bff',
    instance: config.INSTANCE,
    logger,
    metrics,
    checks: [{ name: 'database', check: () => database.ping() }, ...upstreamChecks(needed)],
  });
  const openStreams = metrics.gauge('bff_open_streams', 'Live streams (SSE) open now.');
  const streams = eventStreams({ onSize: (size) => openStreams.set(size) });
  server.draining.addEventListener('abort', () => streams.endAll());

  const verify = bearerVerifier({
    issuer: config.IDENTITY_URL,
    jwksUrl: new URL('/.well-known/jwks.json', config.identityOrigins[0]),
  });
  const buckets = openBuckets(config, keys, logger, metrics);
  const limits = await createRateLimits(server, {
    buckets,
    callers: callers({ cookies, verify, key: keys.buckets }),
    limits: config.limits,
    metrics,
  });

  // Scopes by whom they are for. What is public never pays for, or depends on, sessions.
  await server.register(async (scope: HttpServer) => {
    scope.addHook('onRequest', limits.spend('default'));
    productRoutes(scope, catalog);
    paymentRoutes(scope, { payments, checkout });
  });
  await server.register(async (scope: HttpServer) => {
    scope.addHook('onRequest', limits.spend('webhooks'));
    webhookRoutes(scope, payments);
  });
  await server.register((scope: HttpServer) =>
    pageRoutes(scope, { directory: config.STOREFRONT_DIST, https: config.secureCookies }),
  );

  await server.register(async (scope: HttpServer) => {
    scope.addHook('onRequest', limits.spend('default'));
    await guardSession(scope, cookies, { cookieOnly: true });
    sessionRoutes(scope, { sessions, cookies, identity, labMode: config.LAB_MODE === '1' });
  });
  await server.register(async (scope: HttpServer) => {
    scope.addHook('onRequest', limits.spend('credentials'));
    await guardSession(scope, cookies, { cookieOnly: true });
    credentialRoutes(scope, { sessions, cookies, identity });
  });

  await server.register(async (scope: HttpServer) => {
    scope.addHook('onRequest', limits.spend('default', { bearer: true }));
    await guardSession(scope, cookies, { cookieOnly: false });
    const revocations = followRevocations(config.identityOrigins[0]!, logger, metrics);
    await scope.register(authentication, { verify, revocations, tokenOf: tokenFrom(sessions) });
    await addLabRoutes(scope, commonLabRoutes);
    await addLabRoutes(scope, (lab) => credentialLabRoutes(lab, database));
    stockRoutes(scope, catalog);
    orderRoutes(scope, checkout, keyedWrites);
    orderEventRoutes(scope, checkout, streams);
    claimRoutes(scope, claims);
    panelRoutes(scope, prometheus);
    await labRoutes(scope, { instances, upstreams, limits });
    await chaosRoutes(scope, { chaos, streams });
  });

  let stopSweeping: (() => Promise<void>) | undefined;
  return {
    server,
    start: async () => {
      stopSweeping = startSweeping(sessions, logger);
      keyedWrites.start();
    },
    stop: async () => {
      await stopSweeping?.();
      await keyedWrites.stop();
      await Promise.all([...upstreams, ...(chaos === null ? [] : [chaos])].map((each) => each.close()));
      await instances.close();
      await prometheus?.close();
      await buckets.close();
      await database.close();
    },
  };
}
