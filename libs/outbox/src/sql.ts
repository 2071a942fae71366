/** The statements of the outbox, to be read as SQL. */
import type { Message } from '@ballast/messaging';

/**
 * How long a relay has a row to itself. Longer than a publish takes, short enough that what a crash left behind is
 * told within the five seconds that are promised.
 */
const lease = `interval '3 seconds'`;

/** What an insert gives back: `leased` rows are the inserting process's to tell, the others follow an older row. */
export interface StoredRow {
  id: string;
  message_id: string;
  leased: boolean;
}

/**
 * An INSERT into the outbox from any relation with the columns `message_id`, `aggregate_id`, `message`, `ordinal`:
 * so that a service can store rows and messages in one statement. Returns `StoredRow`s.
 *
 * A row whose aggregate still has an older one waiting is not leased: it would overtake.
 */
export const outboxInsert = (source: string): string => `
  INSERT INTO outbox (message_id, aggregate_id, message, leased_until)
  SELECT m.message_id, m.aggregate_id, m.message,
         -- Counted, it is always a look into the index; EXISTS and LIMIT 1 have both been planned as scans of the table.
         CASE WHEN (SELECT count(*) FROM outbox o WHERE o.aggregate_id = m.aggregate_id) > 0
              THEN '-infinity'::timestamptz ELSE now() + ${lease} END
    FROM ${source} m
   ORDER BY m.ordinal
  RETURNING id::text AS id, message_id, leased_until > now() AS leased`;

/** Three array parameters for `unnest($n::uuid[], $n::uuid[], $n::jsonb[]) WITH ORDINALITY`. */
export function outboxParameters(messages: readonly Message[]): [string[], string[], string[]] {
  return [
    messages.map((message) => message.id),
    messages.map((message) => message.correlationId),
    messages.map((message) => JSON.stringify(message)),
  ];
}

export const append = {
  name: 'outbox-append',
  text: outboxInsert(`(
    SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::jsonb[]) WITH ORDINALITY AS given(message_id, aggregate_id, message, ordinal)
  )`),
};

/**
 * The end of this statement's transaction is not waited for on disk. If the server dies within the next moments a row may
 * be back and is told again, which its readers know; to wait would cost as much as the row's own commit did.
 */
const withoutFlush = `(SELECT set_config('synchronous_commit', 'off', true)) = 'off'`;

/**
 * Told rows go; rows that waited behind them are leased and handed back, to be told next. They are found through the
 * indexes (`= ANY`, LATERAL): the table is short, but wide with rows that have gone and are not yet cleared away.
 */
export const settle = {
  name: 'outbox-settle',
  text: `
  WITH told AS (
    DELETE FROM outbox WHERE id = ANY($1::bigint[]) AND ${withoutFlush} RETURNING aggregate_id
  ), behind AS (
    SELECT next.id
      FROM (SELECT DISTINCT aggregate_id FROM told) t
     CROSS JOIN LATERAL (
       SELECT o.id FROM outbox o
        WHERE o.aggregate_id = t.aggregate_id AND o.id <> ALL($1::bigint[]) AND o.leased_until < now() OFFSET 0) next
  )
  UPDATE outbox SET leased_until = now() + ${lease}
   WHERE id = ANY(ARRAY(SELECT id FROM behind)) AND leased_until < now()
  RETURNING id, aggregate_id, message`,
};

/** The same for one row: PostgreSQL plans a statement with arrays anew each time, which costs more than running it. */
export const settleOne = {
  name: 'outbox-settle-one',
  text: `
  WITH told AS (DELETE FROM outbox WHERE id = $1::bigint AND ${withoutFlush} RETURNING aggregate_id)
  UPDATE outbox SET leased_until = now() + ${lease}
   WHERE aggregate_id = (SELECT aggregate_id FROM told)
     AND id <> $1::bigint
     AND leased_until < now()
  RETURNING id, aggregate_id, message`,
};

/** Rows that could not be told now. */
export const giveBack = {
  name: 'outbox-give-back',
  text: `UPDATE outbox SET leased_until = '-infinity' WHERE id = ANY($1::bigint[])`,
};

/** Rows nobody is busy with and that no older row of their aggregate holds back. */
export const takeAbandoned = {
  name: 'outbox-take-abandoned',
  text: `
  WITH heads AS MATERIALIZED (
    SELECT id FROM outbox o
     WHERE leased_until < now()
       AND NOT EXISTS (SELECT FROM outbox older WHERE older.aggregate_id = o.aggregate_id AND older.id < o.id)
     ORDER BY id
     LIMIT $1
       FOR UPDATE SKIP LOCKED)
  UPDATE outbox SET leased_until = now() + ${lease}
   WHERE id = ANY(ARRAY(SELECT id FROM heads))
  RETURNING id, aggregate_id, message`,
};

export const backlog = {
  name: 'outbox-backlog',
  text: `SELECT count(*)::int AS rows, coalesce(extract(epoch FROM now() - min(created_at)), 0)::float8 AS oldest FROM outbox`,
};

export const oldest = {
  name: 'outbox-oldest',
  text: `SELECT id, aggregate_id, message ->> 'type' AS type, created_at FROM outbox ORDER BY id LIMIT $1`,
};

/** Long after any broker would deliver a message again; at most $1 of them. Replicas do not wait for each other. */
export const forgetOldMessages = {
  name: 'inbox-forget',
  text: `
  WITH old AS (
    SELECT message_id, consumer FROM inbox WHERE received_at < now() - interval '7 days' LIMIT $1 FOR UPDATE SKIP LOCKED
  ), gone AS (
    DELETE FROM inbox USING old WHERE inbox.message_id = old.message_id AND inbox.consumer = old.consumer RETURNING 1
  )
  SELECT count(*)::int AS gone FROM gone`,
};
