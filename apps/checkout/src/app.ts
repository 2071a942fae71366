/** All wiring of checkout in one place. */
import { fileURLToPath } from 'node:url';
import type { ConsumerHandle } from '@ballast/messaging';
import { addOutboxRoutes, connectParts, outboxMigrations } from '@ballast/outbox';
import { credentialLabRoutes } from '@ballast/postgres/lab';
import { createSagaEngine, sagaMigrations } from '@ballast/saga';
import { addLabRoutes, createHttpServer, type App, type BuildContext } from '@ballast/service';
import { createCatalogClient } from './clients/catalog.ts';
import { createLiveOrders } from './clients/live.ts';
import type { Config } from './config.ts';
import { orderEventsConsumer } from './consumers/order-events.ts';
import { placeOrder } from './domain/place-order.ts';
import { orderEventRoutes } from './routes/order-events.ts';
import { orderRoutes } from './routes/orders.ts';
import { resolutionRoutes } from './routes/resolution.ts';
import { sagaRoutes } from './routes/sagas.ts';
import { createOrderStore, orderStart } from './store/orders.ts';

/** The tables checkout owns, in the order they build on each other. */
const migrationSets = [
  outboxMigrations,
  sagaMigrations,
  { name: 'checkout', directory: fileURLToPath(new URL('../migrations', import.meta.url)) },
];

export async function buildApp({ config, logger, metrics }: BuildContext<Config>): Promise<App> {
  const parts = await connectParts({ config, logger, metrics, schema: 'checkout', migrations: migrationSets });
  const { database, messaging, outbox, report } = parts;
  const store = createOrderStore(database);
  const live = createLiveOrders({
    redisUrl: config.REDIS_URL,
    versions: (ids) => store.versions(ids),
    onError: report,
  });
  const engine = createSagaEngine({
    definition: placeOrder,
    database,
    outbox,
    onMoved: (ids) => live.announce(ids),
    onError: (error) => report('a deadline could not be looked after', error),
  });
  const catalog = createCatalogClient(config.CATALOG_URLS.split(','));

  const server = await createHttpServer({
    name: 'checkout',
    instance: config.INSTANCE,
    logger,
    metrics,
    checks: parts.checks,
    issuer: config.IDENTITY_URL,
    identityAddress: config.IDENTITY_ADDRESS,
  });
  await addOutboxRoutes(server, parts);
  orderRoutes(server, { store, catalog, startOrder: engine.starter(orderStart) });
  resolutionRoutes(server, { store, decide: (decision) => engine.decide(decision) });
  orderEventRoutes(server, { store, live });
  sagaRoutes(server);
  await addLabRoutes(server, (lab) => credentialLabRoutes(lab, database));
  await server.ready();

  let consumer: ConsumerHandle | undefined;
  return {
    server,
    start: async () => {
      outbox.start();
      engine.start();
      consumer = await messaging.consume(orderEventsConsumer(engine));
    },
    quiesce: async () => {
      parts.quiesce();
      await consumer?.stop();
      await engine.stop();
    },
    stop: async () => {
      live.close();
      await catalog.close();
      await parts.close();
    },
  };
}
