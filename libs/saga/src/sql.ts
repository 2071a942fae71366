/** The statements of the saga engine, to be read as SQL. Each serves one instance or hundreds alike. */
import { outboxInsert } from '@ballast/outbox';

/*
 * Two things keep these statements on their indexes, whatever PostgreSQL believes of the tables when it plans them, which
 * a connection often does while they are empty, and then keeps the plan: rows are looked up by `= ANY($n)`, not by a join
 * alone, and what belongs to a row is gathered by an aggregate in a subquery, which must look all of it up. EXISTS and
 * LIMIT 1 have both been planned as scans of the whole table.
 */

/** The messages that had an effect on an instance: what stands in its log, and is committed with that effect. */
const messages = (sagaId: string): string => `
  (SELECT coalesce(json_agg(t.message_id), '[]') FROM saga_transitions t
    WHERE t.saga_id = ${sagaId} AND t.message_id IS NOT NULL) AS messages`;

/**
 * One instance. $1 saga id. Beside `load` because PostgreSQL plans a statement with arrays anew each time, which costs
 * more than running it for one.
 */
export const loadOne = {
  name: 'saga-load-one',
  text: `
  SELECT s.id AS saga_id, s.state, s.version, s.context, s.progress, ${messages('$1::uuid')}
    FROM sagas s
   WHERE s.id = $1::uuid`,
};

/** Instances by id. $1 saga ids. */
export const load = {
  name: 'saga-load',
  text: `
  SELECT s.id AS saga_id, s.state, s.version, s.context, s.progress, ${messages('s.id')}
    FROM sagas s
   WHERE s.id = ANY($1::uuid[])`,
};

/**
 * Transitions, all in one statement: the instances that are still at the version they were decided on move, and only
 * for them the log, which also remembers the message, is written and the commands are stored.
 * $1-$7 instances, $8-$14 log, $15-$17 messages.
 */
export const move = {
  name: 'saga-move',
  text: `
  WITH given AS (
    SELECT * FROM unnest($1::uuid[], $2::int[], $3::int[], $4::text[], $5::jsonb[], $6::jsonb[], $7::float8[])
      AS given(id, expected, version, state, context, progress, deadline)
  ), locked AS MATERIALIZED (
    -- In one order everywhere: two replicas with the same instances in their batches would deadlock otherwise.
    SELECT s.id FROM sagas s JOIN given g ON g.id = s.id AND g.expected = s.version
     WHERE s.id = ANY($1::uuid[]) ORDER BY s.id FOR UPDATE OF s
  ), moved AS (
    UPDATE sagas s
       SET state = g.state, version = g.version, context = coalesce(g.context, s.context), progress = g.progress,
           deadline_at = now() + make_interval(secs => g.deadline), moved_at = now()
      FROM given g JOIN locked USING (id)
     WHERE s.id = ANY($1::uuid[]) AND s.id = g.id AND s.version = g.expected
    RETURNING s.id
  ), logged AS (
    INSERT INTO saga_transitions (saga_id, seq, from_state, event, to_state, message_id, decision)
    SELECT l.saga_id, l.seq, l.from_state, l.event, l.to_state, l.message_id, l.decision
      FROM unnest($8::uuid[], $9::int[], $10::text[], $11::text[], $12::text[], $13::uuid[], $14::jsonb[])
        AS l(saga_id, seq, from_state, event, to_state, message_id, decision)
      JOIN moved ON moved.id = l.saga_id
  ), sent AS (${outboxInsert(`(
      SELECT c.* FROM unnest($15::uuid[], $16::uuid[], $17::jsonb[]) WITH ORDINALITY AS c(message_id, aggregate_id, message, ordinal)
        JOIN moved ON moved.id = c.aggregate_id
    )`)}
  )
  SELECT (SELECT coalesce(json_agg(id), '[]') FROM moved) AS moved,
         (SELECT coalesce(json_agg(sent), '[]') FROM sent) AS sent`,
};

/**
 * Starts. `accept` is a CTE named `accepted` with a column `id`: the rows of the service's own that decide which
 * instances begin; it may use parameters from $9 on.
 * $1 definition, $2-$4 instances with context and deadline, $5 state, $6-$8 messages.
 */
export const start = (accept: string, startEvent: string): string => `
  WITH ${accept}, begun AS (
    INSERT INTO sagas (id, definition, state, version, context, progress, deadline_at)
    SELECT g.id, $1, $5, 1, g.context, '{"owed":[],"early":[]}', now() + make_interval(secs => g.deadline)
      FROM unnest($2::uuid[], $3::jsonb[], $4::float8[]) AS g(id, context, deadline)
      JOIN accepted ON accepted.id = g.id
    RETURNING id
  ), logged AS (
    INSERT INTO saga_transitions (saga_id, seq, from_state, event, to_state, message_id)
    SELECT id, 1, NULL, '${startEvent}', $5, NULL FROM begun
  ), sent AS (${outboxInsert(`(
      SELECT c.* FROM unnest($6::uuid[], $7::uuid[], $8::jsonb[]) WITH ORDINALITY AS c(message_id, aggregate_id, message, ordinal)
        JOIN begun ON begun.id = c.aggregate_id
    )`)}
  )
  SELECT (SELECT coalesce(json_agg(id), '[]') FROM begun) AS begun,
         (SELECT coalesce(json_agg(sent), '[]') FROM sent) AS sent`;

/** Instances whose deadline has passed. */
export const overdue = {
  name: 'saga-overdue',
  text: `SELECT id, state, version FROM sagas WHERE deadline_at <= now() AND definition = $1 ORDER BY deadline_at LIMIT $2`,
};
