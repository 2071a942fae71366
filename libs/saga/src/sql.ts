/** The statements of the saga engine, to be read as SQL. Each serves one instance or hundreds alike. */
import { outboxInsert } from '@ballast/outbox';

/**
 * One instance, and whether the message has been seen. $1 saga id, $2 message id, $3 consumer. Beside `load` because
 * PostgreSQL plans a statement with arrays anew each time, which costs more than running it for one.
 */
export const loadOne = {
  name: 'saga-load-one',
  text: `
  SELECT s.id AS saga_id, s.state, s.version, s.context, s.progress,
         EXISTS (SELECT FROM inbox WHERE inbox.message_id = $2::uuid AND consumer = $3) AS seen
    FROM sagas s
   WHERE s.id = $1::uuid`,
};

/** Instances by id, and whether each message has been seen. $1 saga ids, $2 message ids, $3 consumer. */
export const load = {
  name: 'saga-load',
  text: `
  SELECT given.saga_id, s.state, s.version, s.context, s.progress,
         EXISTS (SELECT FROM inbox WHERE inbox.message_id = given.message_id AND consumer = $3) AS seen
    FROM unnest($1::uuid[], $2::uuid[]) AS given(saga_id, message_id)
    LEFT JOIN sagas s ON s.id = given.saga_id`,
};

/**
 * Transitions, all in one statement: the instances that are still at the version they were decided on move, and only
 * for them the message is remembered, the log written and the commands stored.
 * $1-$7 instances, $8 consumer, $9-$15 log, $16-$18 messages.
 */
export const move = {
  name: 'saga-move',
  text: `
  WITH given AS (
    SELECT * FROM unnest($1::uuid[], $2::int[], $3::int[], $4::text[], $5::jsonb[], $6::jsonb[], $7::float8[])
      AS given(id, expected, version, state, context, progress, deadline)
  ), locked AS MATERIALIZED (
    -- In one order everywhere: two replicas with the same instances in their batches would deadlock otherwise.
    SELECT s.id FROM sagas s JOIN given g ON g.id = s.id AND g.expected = s.version ORDER BY s.id FOR UPDATE OF s
  ), moved AS (
    UPDATE sagas s
       SET state = g.state, version = g.version, context = coalesce(g.context, s.context), progress = g.progress,
           deadline_at = now() + make_interval(secs => g.deadline), moved_at = now()
      FROM given g JOIN locked USING (id)
     WHERE s.id = g.id AND s.version = g.expected
    RETURNING s.id
  ), logged AS (
    INSERT INTO saga_transitions (saga_id, seq, from_state, event, to_state, message_id, decision)
    SELECT l.saga_id, l.seq, l.from_state, l.event, l.to_state, l.message_id, l.decision
      FROM unnest($9::uuid[], $10::int[], $11::text[], $12::text[], $13::text[], $14::uuid[], $15::jsonb[])
        AS l(saga_id, seq, from_state, event, to_state, message_id, decision)
      JOIN moved ON moved.id = l.saga_id
    RETURNING saga_id, message_id
  ), remembered AS (
    INSERT INTO inbox (message_id, consumer)
    SELECT DISTINCT message_id, $8 FROM logged WHERE message_id IS NOT NULL
  ), sent AS (${outboxInsert(`(
      SELECT c.* FROM unnest($16::uuid[], $17::uuid[], $18::jsonb[]) WITH ORDINALITY AS c(message_id, aggregate_id, message, ordinal)
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
