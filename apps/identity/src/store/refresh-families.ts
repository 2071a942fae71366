/** Refresh token families in PostgreSQL: begun by a sign-in, rotated by each refresh, ended by sign-out or reuse. */
import type { Role, User } from '@ballast/contracts';
import { defect } from '@ballast/faults';
import type { Queryable } from '@ballast/postgres';

// The token is inserted from what the family's insert returns: one statement, one round trip, both or neither.
const beginFamily = {
  name: 'begin-family',
  text: `
    WITH family AS (
      INSERT INTO refresh_families (family_id, user_id, expires_at)
      VALUES ($1, $2, now() + make_interval(secs => $4))
      RETURNING family_id
    )
    INSERT INTO refresh_tokens (token_hash, family_id)
    SELECT $3, family_id FROM family`,
};

/**
 * Everything about a refresh is decided here, in one statement.
 *
 * `presented` locks the token and its family and reads them as they are once the lock is had, so of two callers with
 * one token the second sees it used. Then either the token is spent, its successor stored and the family extended, or,
 * where it was spent before, the family is ended. `issued` reads from `spent`, which is what makes the old token give
 * up its place in `refresh_tokens_one_live` first. An ended family's access tokens are revoked with it.
 */
const rotate = {
  name: 'rotate-refresh-token',
  text: `
    WITH presented AS (
      SELECT t.token_hash, t.family_id, f.user_id,
             t.used_at IS NOT NULL AS used,
             f.ended_at IS NOT NULL AS ended,
             f.expires_at <= now() AS expired
        FROM refresh_tokens t
        JOIN refresh_families f USING (family_id)
       WHERE t.token_hash = $1
         FOR UPDATE OF t, f
    ), spent AS (
      UPDATE refresh_tokens t
         SET used_at = now()
        FROM presented p
       WHERE t.token_hash = p.token_hash AND NOT (p.used OR p.ended OR p.expired)
      RETURNING t.family_id
    ), issued AS (
      INSERT INTO refresh_tokens (token_hash, family_id)
      SELECT $2, family_id FROM spent
    ), extended AS (
      UPDATE refresh_families f
         SET expires_at = now() + make_interval(secs => $3)
        FROM spent s
       WHERE f.family_id = s.family_id
    ), ended AS (
      UPDATE refresh_families f
         SET ended_at = now()
        FROM presented p
       WHERE f.family_id = p.family_id AND p.used AND NOT p.ended
      RETURNING f.family_id
    ), revoked AS (
      INSERT INTO revocations (id, expires_at)
      SELECT family_id, now() + make_interval(secs => $4) FROM ended
    )
    SELECT p.family_id, p.used, p.ended, p.expired, u.user_id, u.email, u.roles
      FROM presented p
      JOIN users u USING (user_id)`,
};

const endFamily = {
  name: 'end-family',
  text: `
    WITH ended AS (
      UPDATE refresh_families SET ended_at = now()
       WHERE family_id = $1 AND user_id = $2 AND ended_at IS NULL
      RETURNING family_id
    )
    INSERT INTO revocations (id, expires_at)
    SELECT family_id, now() + make_interval(secs => $3) FROM ended`,
};

const batch = 1000;

// A batch at a time and past what others hold: replicas can clean up together without waiting for each other.
const deleteExpiredFamilies = `
  DELETE FROM refresh_families
   WHERE family_id IN (SELECT family_id FROM refresh_families WHERE expires_at < now() LIMIT ${batch} FOR UPDATE SKIP LOCKED)
  RETURNING family_id`;

// A used token is kept as long as it would have lived, because until then a thief may still try it.
const deleteOldTokens = `
  DELETE FROM refresh_tokens
   WHERE token_hash IN (SELECT token_hash FROM refresh_tokens WHERE used_at < now() - make_interval(secs => $1)
                         LIMIT ${batch} FOR UPDATE SKIP LOCKED)
  RETURNING family_id`;

// A service that has not heard of it yet forgets nothing by this: what it revoked has expired.
const deleteOldRevocations = `
  DELETE FROM revocations
   WHERE seq IN (SELECT seq FROM revocations WHERE expires_at < now() LIMIT ${batch} FOR UPDATE SKIP LOCKED)
  RETURNING seq`;

const deleteOldDeviceTokens = `
  DELETE FROM device_tokens
   WHERE token_id IN (SELECT token_id FROM device_tokens WHERE expires_at < now() LIMIT ${batch} FOR UPDATE SKIP LOCKED)
  RETURNING token_id`;

/** Planted defect: the first token of a family is used up as it is made. */
const beginFamilyUsedUp = beginFamily.text
  .replace('(token_hash, family_id)', '(token_hash, family_id, used_at)')
  .replace('SELECT $3, family_id', 'SELECT $3, family_id, now()');

/** Begins a family for a user with its first token. */
export async function beginRefreshFamily(
  database: Queryable,
  family: { familyId: string; userId: string; tokenHash: Buffer; lifetimeSeconds: number },
): Promise<void> {
  const statement = defect('identity.family-without-token') ? beginFamilyUsedUp : beginFamily;
  await database.query(statement, [family.familyId, family.userId, family.tokenHash, family.lifetimeSeconds]);
}

/**
 * What became of a presented token:
 * - `rotated`  it was live and is used now; its successor is stored
 * - `reused`   it had been used before; the family is ended (by this call where `endedNow`)
 * - `ended`, `expired`, `unknown`  nothing happened
 */
export type Rotation =
  | { outcome: 'rotated'; familyId: string; user: User }
  | { outcome: 'reused'; familyId: string; user: User; endedNow: boolean }
  | { outcome: 'ended' | 'expired' | 'unknown' };

/**
 * Exchanges a live token for its successor, or ends the family of one that was used before. `accessSeconds` is how long
 * an access token lives, and with it the memory that a session's were revoked.
 */
export async function rotateRefreshToken(
  database: Queryable,
  tokens: { presentedHash: Buffer; nextHash: Buffer; lifetimeSeconds: number; accessSeconds: number },
): Promise<Rotation> {
  const [row] = await database.query<{
    family_id: string;
    used: boolean;
    ended: boolean;
    expired: boolean;
    user_id: string;
    email: string;
    roles: Role[];
  }>(rotate, [tokens.presentedHash, tokens.nextHash, tokens.lifetimeSeconds, tokens.accessSeconds]);
  if (row === undefined) return { outcome: 'unknown' };
  const user: User = { userId: row.user_id, email: row.email, roles: row.roles };
  if (row.used) return { outcome: 'reused', familyId: row.family_id, user, endedNow: !row.ended };
  if (row.ended) return { outcome: 'ended' };
  if (row.expired) return { outcome: 'expired' };
  return { outcome: 'rotated', familyId: row.family_id, user };
}

/** Ends a user's family and revokes its access tokens; does nothing when it has ended already. */
export async function endRefreshFamily(
  database: Queryable,
  family: { familyId: string; userId: string; accessSeconds: number },
): Promise<void> {
  await database.query(endFamily, [family.familyId, family.userId, family.accessSeconds]);
}

/** Deletes what can never be accepted again. `lifetimeSeconds` is that of a refresh token. */
export async function deleteExpired(database: Queryable, lifetimeSeconds: number): Promise<void> {
  await untilFewer(() => database.query(deleteExpiredFamilies));
  await untilFewer(() => database.query(deleteOldTokens, [lifetimeSeconds]));
  await untilFewer(() => database.query(deleteOldRevocations));
  await untilFewer(() => database.query(deleteOldDeviceTokens));
}

async function untilFewer(deleteSome: () => Promise<unknown[]>): Promise<void> {
  let deleted: number;
  do {
    deleted = (await deleteSome()).length;
  } while (deleted >= batch);
}
