/** Which gateways and devices have a series of their own: decided once, first come first named, and never taken back. */
import type { Queryable } from '@ballast/postgres';
import { nameLimits, type Nameable } from '../domain/series.ts';

// One at a time decides, so that the limit holds whoever else runs.
const lockNames = {
  name: 'lock-names',
  text: `SELECT pg_advisory_xact_lock(hashtext('ballast.analytics.names'))`,
};

const insertNames = {
  name: 'insert-names',
  text: `
    INSERT INTO named_series (kind, reason, name)
    SELECT $1, wanted.reason, wanted.name
      FROM unnest($2::text[], $3::text[]) WITH ORDINALITY AS wanted(reason, name, place)
     WHERE NOT EXISTS (SELECT FROM named_series n
                        WHERE n.kind = $1 AND n.reason = wanted.reason AND n.name = wanted.name)
     ORDER BY wanted.place
     LIMIT greatest(0, $4::int - (SELECT count(*) FROM named_series WHERE kind = $1))`,
};

const selectNames = { name: 'select-names', text: 'SELECT kind, reason, name FROM named_series' };

/** All that are named. */
export const readNames = (database: Queryable): Promise<Nameable[]> => database.query<Nameable>(selectNames);

/** Names as many of `wanted` (each once) as there is room for, in their order, and returns all that are named then. */
export async function addNames(transaction: Queryable, wanted: readonly Nameable[]): Promise<Nameable[]> {
  await transaction.query(lockNames);
  for (const kind of ['gateway', 'failure'] as const) {
    const ofKind = wanted.filter((nameable) => nameable.kind === kind);
    if (ofKind.length === 0) continue;
    await transaction.query(insertNames, [
      kind,
      ofKind.map(({ reason }) => reason),
      ofKind.map(({ name }) => name),
      nameLimits[kind],
    ]);
  }
  return readNames(transaction);
}
