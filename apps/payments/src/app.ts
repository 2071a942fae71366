/** All wiring of payments in one place. */
import { fileURLToPath } from 'node:url';
import type { ConsumerHandle } from '@ballast/messaging';
import { addOutboxRoutes, connectParts, outboxMigrations } from '@ballast/outbox';
import { credentialLabRoutes } from '@ballast/postgres/lab';
import { addLabRoutes, createHttpServer, type App, type BuildContext } from '@ballast/service';
import { createProviders } from './clients/providers.ts';
import type { Config } from './config.ts';
import { commandsConsumer } from './consumers/commands.ts';
import { createDriver } from './driver.ts';
import { paymentMethodRoutes } from './routes/payment-methods.ts';
import { webhookRoutes } from './routes/webhooks.ts';
import { createPaymentStore } from './store/payments.ts';

/** The tables payments owns, in the order they build on each other. */
const migrationSets = [
  outboxMigrations,
  { name: 'payments', directory: fileURLToPath(new URL('../migrations', import.meta.url)) },
];

export async function buildApp({ config, logger, metrics }: BuildContext<Config>): Promise<App> {
  const parts = await connectParts({ config, logger, metrics, schema: 'payments', migrations: migrationSets });
  const { database, messaging, outbox, report } = parts;
  const providers = createProviders({
    stripe: {
      apiBase: config.STRIPE_API_BASE,
      secretKey: config.STRIPE_SECRET_KEY,
      webhookSecret: config.STRIPE_WEBHOOK_SECRET,
    },
    paypal: {
      apiBase: config.PAYPAL_API_BASE,
      clientId: config.PAYPAL_CLIENT_ID,
      clientSecret: config.PAYPAL_CLIENT_SECRET,
      webhookId: config.PAYPAL_WEBHOOK_ID,
      certificateHosts: config.PAYPAL_CERT_HOSTS.split(','),
    },
    timeoutMilliseconds: config.PROVIDER_TIMEOUT_MS,
  });
  const store = createPaymentStore(database, outbox);
  const driver = createDriver({ store, providers, onError: report });

  const server = await createHttpServer({
    name: 'payments',
    instance: config.INSTANCE,
    logger,
    metrics,
    checks: parts.checks,
    issuer: config.IDENTITY_URL,
    identityAddress: config.IDENTITY_ADDRESS,
  });
  await addOutboxRoutes(server, parts);
  webhookRoutes(server, { store, driver, providers });
  paymentMethodRoutes(server, providers);
  await addLabRoutes(server, (lab) => credentialLabRoutes(lab, database));
  await server.ready();

  let consumer: ConsumerHandle | undefined;
  return {
    server,
    start: async () => {
      outbox.start();
      driver.start();
      consumer = await messaging.consume(commandsConsumer(store, driver));
    },
    quiesce: async () => {
      parts.quiesce();
      await consumer?.stop();
    },
    stop: async () => {
      await driver.stop();
      await providers.close();
      await parts.close();
    },
  };
}
