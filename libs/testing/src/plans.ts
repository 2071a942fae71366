/** How PostgreSQL would run a statement that it planned before it knew anything about the rows. */
import type { Database } from '@ballast/postgres';

/**
 * The generic plan of `text`, as EXPLAIN prints it; `types` are those of its parameters (`uuid[], text`). Asked of an empty
 * database it is what a connection of a service keeps that was there before the rows were.
 */
export function genericPlan(database: Database, text: string, types: string): Promise<string> {
  return database.transaction(async (transaction) => {
    await transaction.query('SET LOCAL plan_cache_mode = force_generic_plan');
    await transaction.query(`PREPARE asked (${types}) AS ${text}`);
    const nulls = types.split(',').map(() => 'NULL');
    const rows = await transaction.query<{ 'QUERY PLAN': string }>(`EXPLAIN EXECUTE asked (${nulls.join(', ')})`);
    await transaction.query('DEALLOCATE asked');
    return rows.map((row) => row['QUERY PLAN']).join('\n');
  });
}
