/** Reading claims: one, a page of them, and the rows behind a key. */
import type { Claim, ClaimState, LabRow } from '@ballast/contracts';
import type { Queryable } from '@ballast/postgres';
import { claimColumns, toClaim, type ClaimRow } from './rows.ts';

const find = {
  name: 'claim-find',
  text: `SELECT ${claimColumns} FROM claims WHERE claim_id = $1 AND (user_id = $2 OR $3)`,
};

const listOwn = {
  name: 'claim-list-own',
  text: `SELECT ${claimColumns} FROM claims WHERE user_id::text = $1::uuid::text AND claim_id < $2 ORDER BY claim_id DESC LIMIT $3`,
};

const listByState = {
  name: 'claim-list-by-state',
  text: `SELECT ${claimColumns} FROM claims WHERE state = $1 AND claim_id < $2 ORDER BY claim_id DESC LIMIT $3`,
};

/** With xmin and ctid: they show that a replay leaves the row as it is. */
const underKey = {
  name: 'claim-rows-under-key',
  text: `
  SELECT claim_id, user_id, idempotency_key, fingerprint, order_id, reason, state, created_at, xmin::text AS xmin, ctid::text AS ctid
    FROM claims WHERE idempotency_key = $1 ORDER BY claim_id LIMIT 100`,
};

/** A page: claims older than `before`, at most `limit`, newest first. */
export interface Page {
  before: string;
  limit: number;
}

/** The claim, if it is the caller's or the caller may see all. */
export async function findClaim(
  database: Queryable,
  claimId: string,
  caller: { userId: string; seesAll: boolean },
): Promise<Claim | null> {
  const [row] = await database.query<ClaimRow>(find, [claimId, caller.userId, caller.seesAll]);
  return row === undefined ? null : toClaim(row);
}

/** A caller's own claims. */
export async function listOwnClaims(database: Queryable, userId: string, { before, limit }: Page): Promise<Claim[]> {
  return (await database.query<ClaimRow>(listOwn, [userId, before, limit])).map(toClaim);
}

/** Everybody's claims in this state. */
export async function listClaimsByState(
  database: Queryable,
  state: ClaimState,
  { before, limit }: Page,
): Promise<Claim[]> {
  return (await database.query<ClaimRow>(listByState, [state, before, limit])).map(toClaim);
}

/** The rows filed under a key, anybody's, as they stand in the table; at most a hundred. */
export async function rowsUnderKey(database: Queryable, key: string): Promise<LabRow[]> {
  return await database.query(underKey, [key]);
}
