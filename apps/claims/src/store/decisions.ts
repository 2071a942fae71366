/** An operator's decision, and what payments made of it, written to the claim. */
import type { Claim, ClaimDecision, ClaimState } from '@ballast/contracts';
import { createMessage } from '@ballast/messaging';
import type { Outbox } from '@ballast/outbox';
import { DatabaseError, type Database, type Queryable } from '@ballast/postgres';
import { decided } from '../domain/claims.ts';
import { claimColumns, toClaim, type ClaimRow } from './rows.ts';

/** How often a refund can be tried again; what `RefundPayment` allows. */
const maximumRetries = 1_000;

/** Of two decisions about one claim one finds it open. */
const decide = {
  name: 'claim-decide',
  text: `
  UPDATE claims SET state = $2, decided_at = now(), note = $3
   WHERE claim_id = $1 AND state = 'open'
  RETURNING ${claimColumns}, refund_retry`,
};

/** Of two who grant again after one refusal one finds it refused, and so each try has a number of its own. */
const grantAgain = {
  name: 'claim-grant-again',
  text: `
  UPDATE claims SET state = 'granted', refund_retry = refund_retry + 1, refusal = NULL, note = coalesce($2, note)
   WHERE claim_id = $1 AND state = 'refund-refused' AND refund_retry < ${maximumRetries}
  RETURNING ${claimColumns}, refund_retry`,
};

const lockStates = {
  name: 'claim-lock-states',
  text: `SELECT claim_id, order_id, state FROM claims WHERE claim_id = ANY($1::uuid[]) ORDER BY claim_id FOR UPDATE`,
};

const settle = {
  name: 'claim-settle',
  text: `
  UPDATE claims SET state = s.state, refusal = s.refusal
    FROM unnest($1::uuid[], $2::text[], $3::text[]) AS s(claim_id, state, refusal)
   WHERE claims.claim_id = s.claim_id`,
};

/**
 * Decides about an open claim, or grants one again whose refund was refused. A grant and the command that gives the
 * money back are one commit. `taken`: the order's money goes back through another claim already. `not-open`: there is
 * no such claim, or it is decided, or its refund was tried a thousand times.
 */
export async function decideClaim(
  database: Database,
  outbox: Outbox,
  given: { claimId: string; decision: ClaimDecision['decision']; note: string | null; traceparent: string },
): Promise<Claim | 'taken' | 'not-open'> {
  const { claimId, decision, note, traceparent } = given;
  try {
    return await database.transaction(async (transaction) => {
      type DecidedRow = ClaimRow & { refund_retry: number };
      let [row] = await transaction.query<DecidedRow>(decide, [claimId, decided[decision], note]);
      if (row === undefined && decision === 'grant')
        [row] = await transaction.query<DecidedRow>(grantAgain, [claimId, note]);
      if (row === undefined) return 'not-open';
      if (decision === 'grant') {
        const { refund_retry: retry } = row;
        const body = { orderId: row.order_id, claimId: row.claim_id, ...(retry === 0 ? {} : { retry }) };
        const command = createMessage(
          { type: 'RefundPayment', correlationId: row.order_id, causationId: null, body },
          traceparent,
        );
        await outbox.append(transaction, [command]);
      }
      return toClaim(row);
    });
  } catch (error) {
    if (error instanceof DatabaseError && error.constraint === 'claims_one_granted_per_order') return 'taken';
    throw error;
  }
}

/** Where a claim stands. */
export interface ClaimStanding {
  orderId: string;
  state: ClaimState;
}

/** Locks claims in the order of their ids, and says where they stand; those that do not exist are missing. */
export async function lockClaims(
  transaction: Queryable,
  claimIds: readonly string[],
): Promise<Map<string, ClaimStanding>> {
  const rows = await transaction.query<{ claim_id: string; order_id: string; state: ClaimState }>(lockStates, [
    claimIds,
  ]);
  return new Map(rows.map((row) => [row.claim_id, { orderId: row.order_id, state: row.state }]));
}

/** Writes new states of locked claims; `refusal` says why the provider refused, where it did. */
export async function settleClaims(
  transaction: Queryable,
  claims: readonly { claimId: string; state: ClaimState; refusal: string | null }[],
): Promise<void> {
  if (claims.length === 0) return;
  await transaction.query(settle, [
    claims.map((claim) => claim.claimId),
    claims.map((claim) => claim.state),
    claims.map((claim) => claim.refusal),
  ]);
}
