/** Sessions as identity's rows have them: families of refresh tokens. */
import type { Queryable } from '@ballast/postgres';

/** A family that is not as it must be. */
export interface WrongFamily {
  family_id: string;
  live: number;
  /** Milliseconds after the family's end at which a token of it was still exchanged; null where none was. */
  used_after_ms: number | null;
}

/**
 * Families to look at: from id $1 on (ids begin with their time), those with a token used in the last $2 seconds, those
 * that were wrong before ($3), and the next $5 of a walk through all, behind $4. One that goes on has exactly one token
 * that was not used; of one that was ended, none was used or made more than a second later.
 */
const judge = `
  WITH walked AS (
    SELECT family_id FROM identity.refresh_families WHERE family_id > $4 ORDER BY family_id LIMIT $5
  ), chosen AS (
    SELECT family_id FROM walked
     UNION
    SELECT family_id FROM identity.refresh_families WHERE family_id >= $1
     UNION
    SELECT family_id FROM identity.refresh_tokens WHERE used_at > now() - make_interval(secs => $2)
     UNION
    SELECT * FROM unnest($3::uuid[])
  ), judged AS (
    SELECT f.family_id, f.ended_at IS NULL AND f.expires_at > now() AS goes_on,
           (SELECT count(*)::int FROM identity.refresh_tokens t WHERE t.family_id = f.family_id AND t.used_at IS NULL) AS live,
           (SELECT (extract(epoch FROM max(greatest(t.created_at, t.used_at)) - f.ended_at) * 1000)::float8
              FROM identity.refresh_tokens t WHERE t.family_id = f.family_id) AS used_after_ms
      FROM chosen c JOIN identity.refresh_families f USING (family_id)
  )
  SELECT (SELECT count(*)::int FROM judged) AS families,
         (SELECT coalesce(json_agg(json_build_object('family_id', family_id, 'live', live,
                                                     'used_after_ms', CASE WHEN used_after_ms > 1000 THEN used_after_ms END)), '[]')
            FROM (SELECT * FROM judged WHERE goes_on AND live <> 1 OR used_after_ms > 1000 LIMIT 2000) w) AS wrong,
         (SELECT count(*)::int FROM walked) AS walked,
         (SELECT max(family_id::text) FROM walked) AS place`;

export interface JudgedFamilies {
  families: number;
  wrong: WrongFamily[];
  walked: number;
  place: string | null;
}

export async function judgeFamilies(
  database: Queryable,
  options: { since: string; usedSeconds: number; again: readonly string[]; place: string; page: number },
): Promise<JudgedFamilies> {
  const { since, usedSeconds, again, place, page } = options;
  const [row] = await database.query<JudgedFamilies>(judge, [since, usedSeconds, again, place, page]);
  return row!;
}
