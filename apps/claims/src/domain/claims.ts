/** What happens to a claim after it was filed: the rules, as tables. */
import { createHash } from 'node:crypto';
import type { ClaimDecision, ClaimState, CreateClaim } from '@ballast/contracts';

type Decision = ClaimDecision['decision'];

/** The state a decision brings an open claim to. */
export const decided: Readonly<Record<Decision, ClaimState>> = { grant: 'granted', refuse: 'refused' };

/** The decision that stands behind a state; null while there is none. The same one again changes nothing. */
export const decisionBehind: Readonly<Record<ClaimState, Decision | null>> = {
  open: null,
  granted: 'grant',
  refunded: 'grant',
  'refund-refused': 'grant',
  refused: 'refuse',
};

/** What payments says about a granted claim's money. */
export type RefundEvent = 'PaymentRefunded' | 'RefundRefused';

/**
 * What becomes of a claim when payments speaks. Money that is back is the last word, whichever of two events is heard
 * first. `impossible`: no refund was ever asked for, so the event is not about this claim.
 */
export const refundOutcomes: Readonly<Record<ClaimState, Readonly<Record<RefundEvent, ClaimState | 'impossible'>>>> = {
  open: { PaymentRefunded: 'impossible', RefundRefused: 'impossible' },
  refused: { PaymentRefunded: 'impossible', RefundRefused: 'impossible' },
  granted: { PaymentRefunded: 'refunded', RefundRefused: 'refund-refused' },
  'refund-refused': { PaymentRefunded: 'refunded', RefundRefused: 'refund-refused' },
  refunded: { PaymentRefunded: 'refunded', RefundRefused: 'refunded' },
};

/** SHA-256 of what must be the same for two requests under one idempotency key to be the same request. */
export function fingerprintOf({ orderId, reason, details }: CreateClaim): string {
  const canonical = JSON.stringify([orderId.toLowerCase(), reason, details]);
  return createHash('sha256').update(canonical).digest('base64url');
}
