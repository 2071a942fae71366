/** Claims: a customer's complaint about a completed order, and what became of it. */
import { Type, type Static } from 'typebox';
import { Money, Timestamp, Uuid } from './primitives.ts';

export const claimReasons = ['damaged', 'not-received', 'wrong-item', 'other'] as const;
export type ClaimReason = (typeof claimReasons)[number];

/**
 * `open`: nobody has decided. `granted`: the order's money is on its way back. `refunded`: the provider has given it
 * back. `refused`: there is none. `refund-refused`: granted, but the provider will not give it back; a person has to act.
 */
export const claimStates = ['open', 'granted', 'refunded', 'refused', 'refund-refused'] as const;
export type ClaimState = (typeof claimStates)[number];

/** `POST /claims`. What is claimed is the order's whole total; only its caller's own completed order can be claimed. */
export const CreateClaim = Type.Object(
  {
    orderId: Uuid,
    reason: Type.Enum([...claimReasons]),
    details: Type.String({ minLength: 1, maxLength: 2_000 }),
  },
  { additionalProperties: false },
);
export type CreateClaim = Static<typeof CreateClaim>;

export const Claim = Type.Object({
  claimId: Uuid,
  orderId: Uuid,
  reason: Type.Enum([...claimReasons]),
  details: Type.String(),
  state: Type.Enum([...claimStates]),
  amount: Money,
  createdAt: Timestamp,
  /** When it was granted or refused; null while it is open. */
  decidedAt: Type.Union([Timestamp, Type.Null()]),
  /** What the operator said about the decision. */
  note: Type.Union([Type.String(), Type.Null()]),
});
export type Claim = Static<typeof Claim>;

/** Newest first. */
export const ClaimPage = Type.Object({
  items: Type.Array(Claim),
  nextCursor: Type.Union([Type.String(), Type.Null()]),
});
export type ClaimPage = Static<typeof ClaimPage>;

export const ClaimParams = Type.Object({ id: Uuid }, { additionalProperties: false });

/** `state` is for operators, who see everybody's claims with it; without it callers see their own. */
export const ClaimQuery = Type.Object(
  {
    cursor: Type.Optional(Type.String({ maxLength: 200 })),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 100, default: 20 })),
    state: Type.Optional(Type.Enum([...claimStates])),
  },
  { additionalProperties: false },
);

/**
 * `POST /claims/:id/decision` (operator). The same decision again answers 200; another one 409. After `refund-refused`,
 * `grant` asks the provider once more.
 */
export const ClaimDecision = Type.Object(
  {
    decision: Type.Enum(['grant', 'refuse']),
    note: Type.Optional(Type.String({ minLength: 1, maxLength: 500 })),
  },
  { additionalProperties: false },
);
export type ClaimDecision = Static<typeof ClaimDecision>;
