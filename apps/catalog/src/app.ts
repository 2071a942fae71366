/** All of catalog's wiring, from its settings to a server that is ready to listen. */
import { fileURLToPath } from 'node:url';
import type { ConsumerHandle } from '@ballast/messaging';
import { addOutboxRoutes, connectParts, outboxMigrations } from '@ballast/outbox';
import { credentialLabRoutes } from '@ballast/postgres/lab';
import { addLabRoutes, createHttpServer, type App, type BuildContext } from '@ballast/service';
import type { Config } from './config.ts';
import { commandQueue, commandTypes, createCommandHandler } from './consumers/commands.ts';
import { createExpiry } from './consumers/expiry.ts';
import { changesOf, createProductCopies } from './copies.ts';
import { createMeasures } from './measures.ts';
import { createRecheck } from './recheck.ts';
import { cacheLabRoutes } from './routes/lab.ts';
import { productRoutes } from './routes/products.ts';
import { quoteRoutes } from './routes/quote.ts';
import { stockRoutes } from './routes/stock.ts';
import { readSeed } from './seed.ts';
import { findProduct, seedProducts } from './store/products.ts';
import { settledRevisions, type MovedProduct } from './store/reservations.ts';

const migrations = { name: 'catalog', directory: fileURLToPath(new URL('../migrations', import.meta.url)) };

/** Migrates, seeds, connects and wires; nothing is consumed before `start`. */
export async function buildApp({ config, logger, metrics }: BuildContext<Config>): Promise<App> {
  const parts = await connectParts({
    config,
    logger,
    metrics,
    schema: 'catalog',
    migrations: [outboxMigrations, migrations],
  });
  const { database, messaging, outbox } = parts;
  try {
    await seedProducts(database, await readSeed());
  } catch (error) {
    await parts.close();
    throw error;
  }
  const measures = createMeasures(metrics);
  const copies = createProductCopies({
    find: (productId) => findProduct(database, productId),
    redisUrl: config.REDIS_URL,
    prefix: config.MESSAGING_NAMESPACE,
    onTrouble: parts.report,
    onBack: () => logger.info('Redis answers again'),
  });
  metrics.gauge(
    'catalog_copies_subscribed',
    'Whether changes that other replicas make are heard of now.',
    [],
    (gauge) => gauge.set(copies.subscribed ? 1 : 0),
  );
  const recheck = createRecheck({
    read: (productIds) => settledRevisions(database, productIds),
    onKnown: (products) => copies.invalidate(changesOf(products)),
    onError: (error) => parts.report('products that may have changed cannot be looked at yet', error),
  });
  const onUnsure = (moved: readonly MovedProduct[]): void => recheck.add(moved.map(({ productId }) => productId));
  const handle = createCommandHandler({
    database,
    outbox,
    reservationSeconds: config.RESERVATION_SECONDS,
    onCommitted: (events, moved) => {
      copies.invalidate(changesOf(moved));
      measures.count(events);
    },
    onUnsure,
  });
  const expiry = createExpiry({
    database,
    outbox,
    onExpired: (expired, moved) => {
      copies.invalidate(changesOf(moved));
      measures.countExpired(expired);
    },
    onUnsure,
    onError: (error) => parts.report('expired reservations could not be released yet', error),
  });

  const server = await createHttpServer({
    name: 'catalog',
    instance: config.INSTANCE,
    logger,
    metrics,
    checks: parts.checks,
    issuer: config.IDENTITY_URL,
    identityAddress: config.IDENTITY_ADDRESS,
  });
  await addOutboxRoutes(server, parts);
  productRoutes(server, database, copies);
  stockRoutes(server, { database, copies, recheck });
  quoteRoutes(server, database);
  await addLabRoutes(server, (lab) => {
    cacheLabRoutes(lab, { database, copies, instance: config.INSTANCE });
    credentialLabRoutes(lab, database);
  });

  let consumer: ConsumerHandle | undefined;
  return {
    server,
    start: async () => {
      outbox.start();
      expiry.start();
      consumer = await messaging.consume({ queue: commandQueue, types: commandTypes, handle });
    },
    quiesce: async () => {
      parts.quiesce();
      await Promise.all([consumer?.stop(), expiry.stop()]);
    },
    stop: async () => {
      await recheck.stop();
      copies.close();
      await parts.close();
    },
  };
}
