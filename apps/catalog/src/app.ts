/** All of catalog's wiring, from its settings to a server that is ready to listen. */
import { fileURLToPath } from 'node:url';
import { createMessaging, type ConsumerHandle } from '@ballast/messaging';
import { createOutbox, outboxMigrations } from '@ballast/outbox';
import { createDatabase, migrate } from '@ballast/postgres';
import { authentication, bearerVerifier, createHttpServer, type App, type BuildContext } from '@ballast/service';
import type { Config } from './config.ts';
import { commandQueue, commandTypes, createCommandHandler } from './consumers/commands.ts';
import { createExpiry } from './consumers/expiry.ts';
import { createMeasures } from './measures.ts';
import { productRoutes } from './routes/products.ts';
import { quoteRoutes } from './routes/quote.ts';
import { stockRoutes } from './routes/stock.ts';
import { readSeed } from './seed.ts';
import { seedProducts } from './store/products.ts';
import { createTroubleLog } from './trouble.ts';

const migrations = { name: 'catalog', directory: fileURLToPath(new URL('../migrations', import.meta.url)) };

/** Migrates, seeds, connects and wires; nothing is consumed before `start`. */
export async function buildApp({ config, logger, metrics }: BuildContext<Config>): Promise<App> {
  let stopping = false;
  const log = createTroubleLog(logger);
  // Connections that end while the service ends are no trouble.
  const report: typeof log = (what, details) => {
    if (!stopping) log(what, details);
  };

  const database = createDatabase({
    url: config.POSTGRES_URL,
    applicationName: config.INSTANCE,
    onIdleError: (error) => report('a database connection was lost', { err: error }),
  });
  await migrate({ url: config.POSTGRES_URL, schema: 'catalog', sets: [outboxMigrations, migrations] });
  await seedProducts(database, await readSeed());

  const messaging = await createMessaging({
    url: config.AMQP_URL,
    name: config.INSTANCE,
    namespace: config.MESSAGING_NAMESPACE,
    onEvent: (event) => {
      switch (event.kind) {
        case 'connected':
          logger.info('connected to the broker');
          break;
        case 'disconnected':
          report('the connection to the broker was lost', { err: event.error });
          break;
        case 'blocked':
          report('the broker takes no messages', { reason: event.reason });
          break;
        case 'message-set-aside':
          report(`a message was ${event.outcome}`, { queue: event.queue, attempt: event.attempt, err: event.error });
      }
    },
  });
  const outbox = createOutbox({
    database,
    publish: (message) => messaging.publish(message),
    onError: (error) => report('a message could not be told yet', { err: error }),
  });
  const measures = createMeasures(metrics, outbox, report);
  const handle = createCommandHandler({
    database,
    outbox,
    reservationSeconds: config.RESERVATION_SECONDS,
    onCommitted: measures.count,
  });
  const expiry = createExpiry({
    database,
    outbox,
    onExpired: measures.countExpired,
    onError: (error) => report('expired reservations could not be released yet', { err: error }),
  });

  const server = await createHttpServer({
    name: 'catalog',
    instance: config.INSTANCE,
    logger,
    metrics,
    checks: [
      { name: 'postgres', check: () => database.ping() },
      { name: 'rabbitmq', check: () => messaging.ping() },
    ],
  });
  await server.register(authentication, {
    verify: bearerVerifier({
      issuer: config.IDENTITY_URL,
      jwksUrl: new URL(`${config.IDENTITY_URL}/.well-known/jwks.json`),
    }),
  });
  productRoutes(server, database);
  stockRoutes(server, database);
  quoteRoutes(server, database);

  let consumer: ConsumerHandle | undefined;
  return {
    server,
    start: async () => {
      outbox.start();
      expiry.start();
      consumer = await messaging.consume({ queue: commandQueue, types: commandTypes, handle });
    },
    quiesce: async () => {
      stopping = true;
      await Promise.all([consumer?.stop(), expiry.stop()]);
    },
    stop: async () => {
      await outbox.stop();
      await messaging.close();
      await database.close();
    },
  };
}
