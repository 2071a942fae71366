/** What sagas have done since somebody looked last: the rows behind `GET /moves`. */
import type { OrderState } from '@ballast/contracts';
import type { Queryable } from '@ballast/postgres';

/** A saga as it stands. */
export interface SagaRow {
  id: string;
  version: number;
  state: OrderState;
}

/** A transition as it was logged. */
export interface MoveRow {
  saga_id: string;
  seq: number;
  from_state: OrderState | null;
  event: string;
  to_state: OrderState;
  at: Date;
}

/**
 * Sagas that may have moved: new ones by their ids, which begin with their time; older ones that are under way, and those
 * that were and have ended. Each branch is a look into an index.
 * $1 the id from which on all are told, $2 since when an older one must have moved, $3 those known to be under way.
 */
const moved = `
  SELECT id, version, state FROM checkout.sagas WHERE id >= $1
   UNION ALL
  SELECT id, version, state FROM checkout.sagas WHERE deadline_at IS NOT NULL AND id < $1 AND moved_at >= $2
   UNION ALL
  SELECT id, version, state FROM checkout.sagas WHERE id = ANY($3::uuid[]) AND deadline_at IS NULL AND id < $1
   UNION ALL
  SELECT id, version, state FROM checkout.sagas WHERE state = 'RequiresReview' AND id < $1 AND id <> ALL($3::uuid[])
   LIMIT 50000`;

/** $1 sagas, $2 the last step of each that is known. */
const steps = `
  SELECT t.saga_id, t.seq, t.from_state, t.event, t.to_state, t.at
    FROM unnest($1::uuid[], $2::int[]) AS known(id, seq)
    JOIN checkout.saga_transitions t ON t.saga_id = known.id AND t.seq > known.seq`;

const totals = `SELECT state, count(*)::int AS orders FROM checkout.sagas GROUP BY state`;

/** Sagas that are not finished and have not moved for $1 seconds; those in review rest. */
const resting = `
  SELECT id, state, (extract(epoch FROM now() - moved_at) * 1000)::float8 AS rested_ms, count(*) OVER ()::int AS total
    FROM checkout.sagas
   WHERE deadline_at IS NOT NULL AND moved_at < now() - make_interval(secs => $1)
   ORDER BY moved_at LIMIT $2`;

export const movedSagas = (
  database: Queryable,
  since: { id: string; at: Date | '-infinity' },
  underWay: readonly string[],
): Promise<SagaRow[]> => database.query<SagaRow>(moved, [since.id, since.at, underWay]);

export const stepsBehind = (database: Queryable, known: ReadonlyMap<string, number>): Promise<MoveRow[]> =>
  known.size === 0 ? Promise.resolve([]) : database.query<MoveRow>(steps, [[...known.keys()], [...known.values()]]);

/** Orders by state. Reads the whole table. */
export async function countByState(database: Queryable): Promise<Map<string, number>> {
  const rows = await database.query<{ state: string; orders: number }>(totals);
  return new Map(rows.map(({ state, orders }) => [state, orders]));
}

/** Sagas that rest although they are not finished, longest first, and how many there are in all. */
export async function restingSagas(
  database: Queryable,
  seconds: number,
  limit: number,
): Promise<{ id: string; state: string; rested_ms: number; total: number }[]> {
  return database.query(resting, [seconds, limit]);
}
