/** Several statements that must see the same moment. */
import type { Database, Queryable } from '@ballast/postgres';

/** Runs `read` in one snapshot of the database, in which nothing can be written. */
export function inSnapshot<Result>(
  database: Database,
  read: (snapshot: Queryable) => Promise<Result>,
): Promise<Result> {
  return database.transaction(async (transaction) => {
    await transaction.query('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY');
    return read(transaction);
  });
}
