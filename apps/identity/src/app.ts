/** Everything identity is made of, wired in one place. */
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { openDatabase, type LeasedDatabase } from '@ballast/postgres';
import {
  addLabRoutes,
  authentication,
  bearerVerifier,
  commonLabRoutes,
  createHttpServer,
  createReporter,
  createRevocationView,
  type App,
  type BuildContext,
} from '@ballast/service';
import { createLocalJWKSet } from 'jose';
import type { Config } from './config.ts';
import { createAccessTokenIssuer } from './domain/access-token.ts';
import { createDeviceTokenSigner } from './domain/device-token.ts';
import { createPasswordHasher } from './domain/password-hasher.ts';
import { seedLabAccounts } from './lab-accounts.ts';
import { addAccountRoutes } from './routes/accounts.ts';
import { addDeviceRoutes } from './routes/devices.ts';
import { addDiscoveryRoutes } from './routes/discovery.ts';
import { addCredentialRoutes, addOddTokenRoute } from './routes/lab.ts';
import { addRevocationRoutes } from './routes/revocations.ts';
import { addSessionRoutes } from './routes/sessions.ts';
import { createRevocationFeed } from './revocations.ts';
import { createSessions } from './sessions.ts';
import { deleteExpired } from './store/refresh-families.ts';
import { loadSigningKeys } from './store/signing-keys.ts';

const migrations = { name: 'identity', directory: join(import.meta.dirname, '../migrations') };

/** Hashes at once: more than the cores would only wait, and one of the pool's four threads stays free for signatures. */
const hashesAtOnce = Math.min(availableParallelism(), 3);
/** Some two seconds of work on two cores; who comes after that is better told to come back. */
const hashesWaiting = 128;
const cleanUpEveryMs = 10 * 60_000;

/**
 * Migrates the schema, loads (or makes) the signing key, seeds the lab's accounts and builds the server. Throws a
 * `ConfigError` when KEY_ENCRYPTION_SECRET does not fit the database, a `DatabaseError` when that cannot be used.
 */
export async function buildApp(context: BuildContext<Config>): Promise<App> {
  const { config, logger, metrics } = context;
  const database = await openDatabase(config, {
    applicationName: config.INSTANCE,
    connectTimeoutMs: 900,
    statementTimeoutMs: 2_000,
    migrations: { schema: 'identity', sets: [migrations] },
    logger,
    metrics,
    onIdleError: (error) => logger.warn({ err: error }, 'a database connection was lost'),
  });
  try {
    return await wire(context, database);
  } catch (error) {
    await database.close();
    throw error;
  }
}

async function wire({ config, logger, metrics }: BuildContext<Config>, database: LeasedDatabase): Promise<App> {
  const keys = await loadSigningKeys(database, config.KEY_ENCRYPTION_SECRET);
  const passwords = await createPasswordHasher({ atOnce: hashesAtOnce, maxWaiting: hashesWaiting });
  if (config.LAB_MODE === '1') await seedLabAccounts(database, passwords);

  const issueAccessToken = await createAccessTokenIssuer({
    issuer: config.IDENTITY_URL,
    lifetimeSeconds: config.ACCESS_TOKEN_SECONDS,
    privateKey: keys.active,
  });
  const signer = await createDeviceTokenSigner({ issuer: config.IDENTITY_URL, privateKey: keys.active });
  const report = createReporter(logger);
  const feed = createRevocationFeed(database);
  const sessions = createSessions({
    database,
    logger,
    metrics,
    issueAccessToken,
    accessTokenSeconds: config.ACCESS_TOKEN_SECONDS,
    refreshTokenSeconds: config.REFRESH_TOKEN_SECONDS,
    onRevoked: () => feed.wake(),
  });

  const server = await createHttpServer({
    name: 'identity',
    instance: config.INSTANCE,
    logger,
    metrics,
    checks: [{ name: 'postgres', check: () => database.ping() }],
    bodyLimit: 16 * 1024,
  });
  await server.register(authentication, {
    verify: bearerVerifier({ issuer: config.IDENTITY_URL, keys: createLocalJWKSet({ keys: keys.published }) }),
    revocations: createRevocationView({
      source: (after, wait) => feed.read(after, wait),
      onError: (error) => report('revoked tokens cannot be read', error),
    }),
  });
  addAccountRoutes(server, { database, passwords, sessions });
  addSessionRoutes(server, { sessions });
  addDeviceRoutes(server, { database, signer, onRevoked: () => feed.wake() });
  addRevocationRoutes(server, feed);
  await addLabRoutes(server, commonLabRoutes);
  await addCredentialRoutes(server, database);
  await addOddTokenRoute(server, signer);
  addDiscoveryRoutes(server, { issuer: config.IDENTITY_URL, keys: keys.published });

  let cleaning = Promise.resolve();
  const cleanUp = (): void => {
    cleaning = deleteExpired(database, config.REFRESH_TOKEN_SECONDS).catch((error: unknown) =>
      logger.warn({ err: error }, 'expired sessions could not be deleted; trying again later'),
    );
  };
  let timer: NodeJS.Timeout | undefined;
  return {
    server,
    start: async () => {
      timer = setInterval(cleanUp, cleanUpEveryMs);
      cleanUp();
    },
    quiesce: async () => {
      clearInterval(timer);
      feed.stop();
    },
    stop: async () => {
      await cleaning;
      await database.close();
    },
  };
}
