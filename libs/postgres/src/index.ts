/** PostgreSQL for services: a pool that cannot hang or crash the process, transactions, migrations, group commit. */
export {
  createDatabase,
  type Database,
  type DatabaseOptions,
  type Queryable,
  type Statement,
  type Transaction,
} from './database.ts';
export { DatabaseError, isRetryable, toDatabaseError } from './errors.ts';
export { createBatcher, Overloaded, type BatcherOptions } from './batcher.ts';
export { migrate, type MigrationSet } from './migrate.ts';
