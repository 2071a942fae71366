/** All of claims' wiring, from its settings to a server that is ready to listen. */
import { fileURLToPath } from 'node:url';
import type { ConsumerHandle } from '@ballast/messaging';
import { addOutboxRoutes, connectParts, outboxMigrations } from '@ballast/outbox';
import { credentialLabRoutes } from '@ballast/postgres/lab';
import { addLabRoutes, createHttpServer, type App, type BuildContext } from '@ballast/service';
import { createCheckoutClient } from './clients/checkout.ts';
import type { Config } from './config.ts';
import { createRefundHandler, refundQueue, refundTypes } from './consumers/refunds.ts';
import { createKnownOrders } from './known-orders.ts';
import { createMeasures } from './measures.ts';
import { claimRoutes } from './routes/claims.ts';
import { filingRoute } from './routes/filing.ts';
import { labRoutes } from './routes/lab.ts';
import { createFiling } from './store/filing.ts';

const migrations = { name: 'claims', directory: fileURLToPath(new URL('../migrations', import.meta.url)) };

/** Migrates, connects and wires; nothing is consumed before `start`. */
export async function buildApp({ config, logger, metrics }: BuildContext<Config>): Promise<App> {
  const parts = await connectParts({
    config,
    logger,
    metrics,
    schema: 'claims',
    // A caller is told within a second that the database is in trouble, be it slow, full or frozen.
    limits: { connectTimeoutMs: 900, statementTimeoutMs: 800, queryTimeoutMs: 900 },
    migrations: [outboxMigrations, migrations],
  });
  const { database, messaging, outbox } = parts;
  const measures = createMeasures(metrics);
  const learnOrder = createKnownOrders(database, createCheckoutClient(config.CHECKOUT_URLS.split(',')));
  const handle = createRefundHandler(database, measures.reached);

  const server = await createHttpServer({
    name: 'claims',
    instance: config.INSTANCE,
    logger,
    metrics,
    checks: parts.checks,
    issuer: config.IDENTITY_URL,
    identityAddress: config.IDENTITY_ADDRESS,
  });
  await addOutboxRoutes(server, parts);
  filingRoute(server, { file: createFiling(database), learnOrder, measures });
  claimRoutes(server, { database, outbox, measures });
  await addLabRoutes(server, (lab) => {
    labRoutes(lab, database);
    credentialLabRoutes(lab, database);
  });

  let consumer: ConsumerHandle | undefined;
  return {
    server,
    start: async () => {
      outbox.start();
      consumer = await messaging.consume({ queue: refundQueue, types: refundTypes, handle });
    },
    quiesce: async () => {
      parts.quiesce();
      await consumer?.stop();
    },
    stop: () => parts.close(),
  };
}
