/**
 * The defect `claims.check-then-insert`: what idempotency looks like without a constraint. It looks for the key, and
 * inserts when it finds nothing; of callers that come together all find nothing. The table refuses a key twice, so
 * each row gets something random behind its key, which no real key can hold (a space), and the look-up knows about it.
 */
import { randomUUID } from 'node:crypto';
import type { Queryable } from '@ballast/postgres';
import type { Filed, FilingItem } from './filing.ts';
import { claimColumns, toClaim, type ClaimRow } from './rows.ts';

const find = `
  SELECT ${claimColumns} FROM claims WHERE user_id = $1 AND starts_with(idempotency_key, $2 || ' ') ORDER BY claim_id LIMIT 1`;

const insert = `
  INSERT INTO claims (claim_id, user_id, idempotency_key, fingerprint, order_id, reason, details, amount, currency)
  SELECT $1, $2, $3, $4, $5, $6, $7, total_amount, currency FROM completed_orders WHERE order_id = $5 AND user_id = $2
  RETURNING ${claimColumns}`;

/** Never called unless the defect is planted. */
export async function checkThenInsert(database: Queryable, item: FilingItem): Promise<Filed | null> {
  const { claimId, userId, idempotencyKey, fingerprint, orderId, reason, details } = item;
  const [known] = await database.query<ClaimRow>(find, [userId, idempotencyKey]);
  if (known !== undefined) return { claim: toClaim(known), fingerprint: known.fingerprint, first: false };
  const key = `${idempotencyKey} ${randomUUID()}`;
  const [row] = await database.query<ClaimRow>(insert, [claimId, userId, key, fingerprint, orderId, reason, details]);
  return row === undefined ? null : { claim: toClaim(row), fingerprint, first: true };
}
