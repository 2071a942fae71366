/** The table `claims` as rows, and rows as claims. */
import type { Claim, ClaimReason, ClaimState } from '@ballast/contracts';

/** Columns every statement that answers claims gives back. */
export const claimColumns =
  'claim_id, order_id, reason, details, state, amount, currency, created_at, decided_at, note, fingerprint';

export interface ClaimRow {
  claim_id: string;
  order_id: string;
  reason: ClaimReason;
  details: string;
  state: ClaimState;
  amount: string;
  currency: string;
  created_at: Date;
  decided_at: Date | null;
  note: string | null;
  fingerprint: string;
}

export const toClaim = (row: ClaimRow): Claim => ({
  claimId: row.claim_id,
  orderId: row.order_id,
  reason: row.reason,
  details: row.details,
  state: row.state,
  // The driver hands out bigint as text; amounts stay far below 2^53.
  amount: { amount: Number(row.amount), currency: row.currency },
  createdAt: row.created_at.toISOString(),
  decidedAt: row.decided_at?.toISOString() ?? null,
  note: row.note,
});
