/** What clients were told under an idempotency key, against what there is. */
import type { Queryable } from '@ballast/postgres';

/** A stored answer. */
export interface AnswerKey {
  principal: string;
  route: string;
  key: string;
}

/** An answer that is not as it must be. */
export interface WrongAnswer extends AnswerKey {
  /** The order it names; null where it names none. */
  order_id: string | null;
  fault: 'missing' | 'other-key';
}

/** Where a walk through all answers has got to. */
export interface AnswerPlace extends AnswerKey {
  created_at: string;
}

/**
 * The answers to look at: those of the last $1 seconds, those that were wrong before ($2-$4), and the next $9 of a walk
 * through all ($5-$8). An answer of 2xx names its order; that must exist, and stand under the caller and key the answer
 * was given to. The body is bytes: what names the order is found in it without believing that it is JSON.
 */
const judge = `
  WITH walked AS (
    SELECT principal, route, key, created_at FROM bff.idempotency_keys
     WHERE created_at >= $5::timestamptz AND (created_at, principal, route, key) > ($5::timestamptz, $6::text, $7::text, $8::text)
     ORDER BY created_at, principal, route, key LIMIT $9
  ), chosen AS (
    SELECT principal, route, key FROM walked
     UNION
    SELECT principal, route, key FROM bff.idempotency_keys WHERE created_at > now() - make_interval(secs => $1)
     UNION
    SELECT * FROM unnest($2::text[], $3::text[], $4::text[])
  ), told AS (
    SELECT k.principal, k.route, k.key,
           substring(encode(k.body, 'escape') FROM '"orderId":"([0-9a-fA-F]{8}-[0-9a-fA-F-]{27})"')::uuid AS order_id
      FROM chosen c
     -- LIMIT keeps it a look-up per key, and not a scan of the table.
     CROSS JOIN LATERAL (SELECT i.principal, i.route, i.key, i.status, i.body FROM bff.idempotency_keys i
                          WHERE i.principal = c.principal AND i.route = c.route AND i.key = c.key LIMIT 1) k
     WHERE k.status BETWEEN 200 AND 299 AND k.route = 'POST /api/orders'
  ), judged AS (
    SELECT t.*, CASE WHEN o.order_id IS NULL THEN 'missing'
                     WHEN o.user_id::text <> t.principal OR o.idempotency_key <> t.key THEN 'other-key' END AS fault
      FROM told t LEFT JOIN LATERAL (SELECT o.order_id, o.user_id, o.idempotency_key FROM checkout.orders o WHERE o.order_id = t.order_id LIMIT 1) o ON true
  )
  SELECT (SELECT count(*)::int FROM told) AS answers,
         (SELECT coalesce(json_agg(j), '[]') FROM (SELECT * FROM judged WHERE fault IS NOT NULL LIMIT 2000) j) AS wrong,
         (SELECT count(*)::int FROM walked) AS walked,
         (SELECT json_build_object('created_at', created_at::text, 'principal', principal, 'route', route, 'key', key)
            FROM walked ORDER BY created_at DESC, principal DESC, route DESC, key DESC LIMIT 1) AS place`;

export interface JudgedAnswers {
  /** Answers of 2xx that were looked at. */
  answers: number;
  wrong: WrongAnswer[];
  /** How many the walk took, and where it stands now; null at the end. */
  walked: number;
  place: AnswerPlace | null;
}

/** Before all answers. */
export const beforeAll: AnswerPlace = { created_at: '-infinity', principal: '', route: '', key: '' };

export async function judgeAnswers(
  database: Queryable,
  options: { recentSeconds: number; again: readonly AnswerKey[]; place: AnswerPlace; page: number },
): Promise<JudgedAnswers> {
  const { recentSeconds, again, place, page } = options;
  const [row] = await database.query<JudgedAnswers>(judge, [
    recentSeconds,
    again.map(({ principal }) => principal),
    again.map(({ route }) => route),
    again.map(({ key }) => key),
    place.created_at,
    place.principal,
    place.route,
    place.key,
    page,
  ]);
  return row!;
}

/** Rows that came of one key of one caller. What makes keys unique is the table's own; a key with a space is no caller's. */
const doubles = (table: string, id: string): string => `
  SELECT '${table}' AS table, min(${id}::text) AS id, count(*)::int AS rows
    FROM ${table} WHERE ${id} >= $1 GROUP BY user_id, split_part(idempotency_key, ' ', 1) HAVING count(*) > 1`;
const doubled = `${doubles('checkout.orders', 'order_id')} UNION ALL ${doubles('claims.claims', 'claim_id')} LIMIT 2000`;

/** Orders and claims from this id on of which there are several for one key. */
export const doubledRows = (
  database: Queryable,
  since: string,
): Promise<{ table: string; id: string; rows: number }[]> => database.query(doubled, [since]);
