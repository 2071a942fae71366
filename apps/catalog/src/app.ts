/** All of catalog's wiring, from its settings to a server that is ready to listen. */
import { fileURLToPath } from 'node:url';
import type { ConsumerHandle } from '@ballast/messaging';
import { connectParts, outboxMigrations } from '@ballast/outbox';
import { createHttpServer, type App, type BuildContext } from '@ballast/service';
import type { Config } from './config.ts';
import { commandQueue, commandTypes, createCommandHandler } from './consumers/commands.ts';
import { createExpiry } from './consumers/expiry.ts';
import { createMeasures } from './measures.ts';
import { productRoutes } from './routes/products.ts';
import { quoteRoutes } from './routes/quote.ts';
import { stockRoutes } from './routes/stock.ts';
import { readSeed } from './seed.ts';
import { seedProducts } from './store/products.ts';

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
  await seedProducts(database, await readSeed());
  const measures = createMeasures(metrics);
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
    onError: (error) => parts.report('expired reservations could not be released yet', error),
  });

  const server = await createHttpServer({
    name: 'catalog',
    instance: config.INSTANCE,
    logger,
    metrics,
    checks: parts.checks,
    issuer: config.IDENTITY_URL,
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
      parts.quiesce();
      await Promise.all([consumer?.stop(), expiry.stop()]);
    },
    stop: () => parts.close(),
  };
}
