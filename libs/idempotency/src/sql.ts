/** The statements, to be read as SQL. Each serves one key or hundreds alike, in one round trip. */

/** Whether a row may be taken by a request with that fingerprint: nobody is at it, and it has no answer or is too old. */
const takeable = (fingerprint: string, keepMs: string): string => `
  (r.held_until IS NULL OR r.held_until <= now())
  AND ((r.status IS NULL AND r.fingerprint = ${fingerprint}) OR ${expired(keepMs)})`;

const expired = (keepMs: string): string => `r.created_at <= now() - ${keepMs} * interval '1 millisecond'`;

/** One row per key asked for, in the order given. */
export interface ClaimRow {
  /** The caller has the key from now on. */
  claimed: boolean;
  /** There was a row before. */
  known: boolean;
  /** When the statement began, the key was there to be had. Not claimed all the same: somebody else was quicker. */
  free: boolean;
  same: boolean | null;
  status: number | null;
  headers: Record<string, string> | null;
  body: Buffer | null;
  /** Milliseconds for which the holder is still believed to be alive. */
  held_for: number | null;
}

/**
 * Takes keys that are free, and says what is known of the others.
 *
 * What is answered or being worked on is only read: a replay writes nothing, not even a row lock. The insert decides:
 * ON CONFLICT looks at the row as it is now, not as the snapshot has it, so of any number of callers one gets the key.
 * $1-$3 principals, routes, keys (unique, as the batcher sees to it), $4 fingerprints, $5 holders, $6 lease in ms,
 * $7 how long keys are kept in ms.
 */
export const claim = {
  name: 'idempotency-claim',
  text: `
  WITH given AS (
    SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bytea[], $5::text[]) WITH ORDINALITY
      AS given(principal, route, key, fingerprint, holder, ordinal)
  ), found AS MATERIALIZED (
    SELECT g.*, r.key IS NOT NULL AS known, r.fingerprint = g.fingerprint AS same, r.status, r.headers, r.body,
           r.held_until, r.key IS NULL OR (${takeable('g.fingerprint', '$7::float8')}) AS free
      FROM given g
      -- LIMIT keeps it a look-up per key: planned while the table is empty, a join would read all of it for ever.
      LEFT JOIN LATERAL (
        SELECT * FROM idempotency_keys r
         WHERE r.principal = g.principal AND r.route = g.route AND r.key = g.key LIMIT 1) r ON true
  ), claimed AS (
    INSERT INTO idempotency_keys AS r (principal, route, key, fingerprint, holder, held_until)
    SELECT principal, route, key, fingerprint, holder, now() + $6::float8 * interval '1 millisecond'
      FROM found WHERE free
     -- In one order everywhere: two replicas with the same keys in their batches would deadlock otherwise.
     ORDER BY principal COLLATE "C", route COLLATE "C", key COLLATE "C"
    ON CONFLICT (principal, route, key) DO UPDATE
       SET fingerprint = excluded.fingerprint, holder = excluded.holder, held_until = excluded.held_until,
           status = NULL, headers = NULL, body = NULL,
           created_at = CASE WHEN ${expired('$7::float8')} THEN now() ELSE r.created_at END
     WHERE ${takeable('excluded.fingerprint', '$7::float8')}
    RETURNING holder
  )
  SELECT c.holder IS NOT NULL AS claimed, f.known, f.free, f.same, f.status, f.headers, f.body,
         (extract(epoch FROM f.held_until - now()) * 1000)::float8 AS held_for
    FROM found f LEFT JOIN claimed c ON c.holder = f.holder
   ORDER BY f.ordinal`,
};

/**
 * Ends the holders' turns: with the answer, without one (null status), or by forgetting the key. A holder whose lease
 * was taken over changes nothing. Returns the holders that still had their key.
 * $1-$3 principals, routes, keys, $4 holders, $5 whether to forget, $6-$8 status, headers, body.
 */
export const settle = {
  name: 'idempotency-settle',
  text: `
  WITH given AS (
    SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::boolean[], $6::smallint[], $7::jsonb[], $8::bytea[])
      AS given(principal, route, key, holder, forget, status, headers, body)
  ), locked AS MATERIALIZED (
    -- In the same order as claims are.
    SELECT g.* FROM (SELECT * FROM given ORDER BY principal COLLATE "C", route COLLATE "C", key COLLATE "C") g
     CROSS JOIN LATERAL (
        SELECT r.holder FROM idempotency_keys r
         WHERE r.principal = g.principal AND r.route = g.route AND r.key = g.key LIMIT 1 FOR UPDATE) r
     WHERE r.holder = g.holder
  ), settled AS (
    UPDATE idempotency_keys r
       SET holder = NULL, held_until = NULL, status = l.status, headers = l.headers, body = l.body
      FROM locked l
     WHERE NOT l.forget AND r.principal = l.principal AND r.route = l.route AND r.key = l.key AND r.holder = l.holder
    RETURNING l.holder
  ), forgotten AS (
    DELETE FROM idempotency_keys r USING locked l
     WHERE l.forget AND r.principal = l.principal AND r.route = l.route AND r.key = l.key AND r.holder = l.holder
    RETURNING l.holder
  )
  SELECT holder FROM settled UNION ALL SELECT holder FROM forgotten`,
};

/** Forgets keys older than $1 ms that nobody is at, at most $2. Replicas do not wait for each other. */
export const sweep = {
  name: 'idempotency-sweep',
  text: `
  WITH old AS MATERIALIZED (
    SELECT principal, route, key FROM idempotency_keys r
     WHERE ${expired('$1::float8')} AND (held_until IS NULL OR held_until <= now())
     ORDER BY created_at LIMIT $2 FOR UPDATE SKIP LOCKED
  ), gone AS (
    DELETE FROM idempotency_keys r USING old o
     WHERE r.principal = o.principal AND r.route = o.route AND r.key = o.key RETURNING 1
  )
  SELECT count(*)::int AS gone FROM gone`,
};
