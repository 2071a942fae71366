/** PostgreSQL for services: a pool that cannot hang or crash the process, rotating logins, transactions, migrations, group commit. */
export { PostgresConfig } from './config.ts';
export { createDatabase, type Database, type Queryable, type Statement, type Transaction } from './database.ts';
export {
  openDatabase,
  type Credentials,
  type CredentialsStatus,
  type LeasedDatabase,
  type OpenDatabaseOptions,
} from './open.ts';
export type { DatabaseOptions } from './pool.ts';
export { DatabaseError, isRetryable, toDatabaseError } from './errors.ts';
export { realClock, type Clock, type Timer } from './clock.ts';
export { createBatcher, Overloaded, type BatcherOptions } from './batcher.ts';
export { migrate, type MigrationSet } from './migrate.ts';
