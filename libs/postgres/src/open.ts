/** A service's database, opened as its settings say: under a login of its own or one that Vault lends, migrated either way. */
import { ConfigError, createReporter, type Logger, type Metrics } from '@ballast/service';
import { vaultSettings, type PostgresConfig, type VaultSettings } from './config.ts';
import { createDatabase, databaseOn, type Database } from './database.ts';
import { LeaseManager } from './lease-manager.ts';
import { migrate, type MigrationSet } from './migrate.ts';
import { openPool, type DatabaseOptions } from './pool.ts';
import { createRotationLog, type StageRecord } from './rotation-log.ts';
import { createVault } from './vault.ts';

export interface OpenDatabaseOptions extends Omit<DatabaseOptions, 'url'> {
  logger: Pick<Logger, 'info' | 'warn'>;
  /** Gets the life left of the login, and how many could not be ended yet. */
  metrics?: Pick<Metrics, 'gauge'>;
  /** Applied, under the same login, before anything else is done. */
  migrations?: { schema: string; sets: readonly MigrationSet[] };
  /** How long Vault may take to be there at the start, in ms. Default 30,000. */
  startWithinMs?: number;
}

/** The login in use. Nothing here is a secret. */
export interface CredentialsStatus {
  source: 'vault' | 'static';
  username: string;
  /** How long it was lent for, in seconds; null where it is static, as are the others. */
  leaseSeconds: number | null;
  expiresAt: Date | null;
  address: string | null;
  /** Logins taken into use after the first. */
  rotations: number;
  /** Newest last, the latest forty. */
  stages: readonly StageRecord[];
  pools: { active: number; draining: number };
  /** Logins and tokens that are to end and could not be ended yet. */
  notRevoked: number;
}

/** The login of a database, and how to change it. */
export interface Credentials {
  status(): CredentialsStatus;
  /** Asks Vault how it is: `active`, `sealed`, `unreachable` and so on; null where there is none. Never rejects. */
  vaultState(): Promise<string | null>;
  /** Takes another login now. Resolves once it is in use; rejects when that did not work, or the login is static. */
  rotate(): Promise<void>;
}

/** A database whose login may change while it is used, unnoticed by what uses it. */
export interface LeasedDatabase extends Database {
  credentials: Credentials;
}

/**
 * Opens the database and migrates it. Throws a `ConfigError` where the settings do not fit together, or where Vault gave no
 * usable login in time, and a `DatabaseError` where the database cannot be used.
 */
export async function openDatabase(config: PostgresConfig, options: OpenDatabaseOptions): Promise<LeasedDatabase> {
  const vault = vaultSettings(config);
  return vault === undefined ? openStatic(config, options) : openLeased(config, vault, options);
}

async function openStatic(
  { POSTGRES_URL: url }: PostgresConfig,
  { migrations, ...options }: OpenDatabaseOptions,
): Promise<LeasedDatabase> {
  if (migrations !== undefined) await migrate({ url, ...migrations });
  const username = decodeURIComponent(new URL(url).username);
  return {
    ...createDatabase({ ...options, url }),
    credentials: {
      status: () => ({
        source: 'static',
        username,
        leaseSeconds: null,
        expiresAt: null,
        address: null,
        rotations: 0,
        stages: [],
        pools: { active: 1, draining: 0 },
        notRevoked: 0,
      }),
      vaultState: async () => null,
      rotate: () => Promise.reject(new Error('the login is a static one')),
    },
  };
}

async function openLeased(
  config: PostgresConfig,
  settings: VaultSettings,
  { migrations, logger, metrics, startWithinMs = 30_000, ...options }: OpenDatabaseOptions,
): Promise<LeasedDatabase> {
  const vault = await createVault(settings);
  const log = createRotationLog(tellLog(logger));
  const manager = new LeaseManager({
    vault,
    log,
    graceMs: (config.CREDENTIAL_GRACE_SECONDS ?? 15) * 1_000,
    open: (login, onLost) =>
      openPool({
        ...options,
        url: withLogin(config.POSTGRES_URL, login),
        onIdleError: (error) => {
          onLost(error);
          options.onIdleError?.(error);
        },
      }),
  });
  try {
    await manager.start(startWithinMs);
  } catch (error) {
    await manager.close();
    const { message } = error as Error;
    throw new ConfigError(
      `Vault at ${vault.address} gave no usable database login within ${startWithinMs / 1_000} s: ${message}`,
    );
  }
  try {
    if (migrations !== undefined) {
      const { handle, lease } = manager.generation;
      // Its connection is not the pool's, but its login is: that must not be ended meanwhile.
      await handle.keep(() => migrate({ url: withLogin(config.POSTGRES_URL, lease), ...migrations }));
    }
  } catch (error) {
    await manager.close();
    throw error;
  }
  if (metrics !== undefined) measure(metrics, manager);
  return {
    ...databaseOn(manager, () => manager.close()),
    credentials: {
      status: () => {
        const { lease } = manager.generation;
        return {
          source: 'vault',
          username: lease.username,
          leaseSeconds: lease.seconds,
          expiresAt: new Date(Date.now() + lease.expiresAt - performance.now()),
          address: vault.address,
          rotations: log.rotations(),
          stages: log.stages(),
          pools: manager.pools,
          notRevoked: manager.notRevoked,
        };
      },
      vaultState: () => vault.state(),
      rotate: () => manager.rotate(),
    },
  };
}

function withLogin(url: string, { username, password }: { username: string; password: string }): string {
  const address = new URL(url);
  [address.username, address.password] = [encodeURIComponent(username), encodeURIComponent(password)];
  return address.href;
}

function tellLog(logger: Pick<Logger, 'info' | 'warn'>): (record: StageRecord) => void {
  const report = createReporter(logger);
  return ({ stage, username, detail }) => {
    if (stage === 'failed') report('the database login could not be rotated', undefined, { username, detail });
    if (stage === 'activated') logger.info({ username }, 'a new database login is in use');
    if (stage === 'revoked-old' && detail !== null) logger.warn({ username, detail }, 'an old login was ended early');
  };
}

function measure(metrics: Pick<Metrics, 'gauge'>, manager: LeaseManager): void {
  metrics.gauge('database_lease_seconds_left', 'Life left of the database login, in seconds.', [], (gauge) => {
    gauge.set((manager.generation.lease.expiresAt - performance.now()) / 1_000);
  });
  metrics.gauge('database_logins_held', 'Logins in use and those being let go: 1 for each.', ['username'], (gauge) => {
    gauge.reset();
    for (const username of manager.usernames) gauge.set({ username }, 1);
  });
  metrics.gauge('database_leases_not_revoked', 'Old logins and tokens that could not be ended yet.', [], (gauge) => {
    gauge.set(manager.notRevoked);
  });
}
