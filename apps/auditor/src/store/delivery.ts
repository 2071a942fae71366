/** What services have stored to be told, and claims that wait for their money. */
import type { Queryable } from '@ballast/postgres';

/** Schemas with an outbox. */
const outboxSchemas = ['catalog', 'payments', 'checkout', 'claims'] as const;

/** Per schema: rows waiting, and those older than $1 seconds, the oldest first. */
const waiting = outboxSchemas
  .map(
    (schema) => `
  SELECT '${schema}' AS schema, count(*)::int AS rows,
         count(*) FILTER (WHERE created_at < now() - make_interval(secs => $1))::int AS late,
         (SELECT coalesce(json_agg(json_build_object('id', w.message_id, 'type', w.message ->> 'type', 'ageMs', extract(epoch FROM now() - w.created_at) * 1000)), '[]')
            FROM (SELECT * FROM ${schema}.outbox WHERE created_at < now() - make_interval(secs => $1) ORDER BY id LIMIT 20) w) AS oldest
    FROM ${schema}.outbox`,
  )
  .join(' UNION ALL ')
  .replaceAll('$1', '$1::float8');

export interface WaitingRows {
  schema: string;
  rows: number;
  /** Older than the look asked for. */
  late: number;
  oldest: { id: string; type: string; ageMs: number }[];
}

/** Rows of every outbox that have waited for longer than `seconds`. */
export const waitingRows = (database: Queryable, seconds: number): Promise<WaitingRows[]> =>
  database.query<WaitingRows>(waiting, [seconds]);

const unpaid = `
  SELECT claim_id, order_id, (extract(epoch FROM now() - decided_at) * 1000)::float8 AS age_ms
    FROM claims.claims WHERE state = 'granted' AND decided_at < now() - make_interval(secs => $1)
   ORDER BY claim_id LIMIT 2000`;

/** Claims granted more than `seconds` ago whose money neither went back nor was refused. */
export const unpaidClaims = (
  database: Queryable,
  seconds: number,
): Promise<{ claim_id: string; order_id: string; age_ms: number }[]> => database.query(unpaid, [seconds]);
