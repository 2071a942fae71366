/** The auditor's verdicts (`apps/auditor`, offset +20): invariants judged from rows once a second. For operators. */
import { Type, type Static } from 'typebox';
import { OrderState } from './orders.ts';
import { Timestamp, Uuid } from './primitives.ts';

export const verdictStates = [
  'holds',
  /** Something is not as it must be once faults are healed; it has the time the guarantee gives it. */
  'settling',
  'violated',
  /** It could not be looked at; `detail` says why. Never shown as if it held. */
  'unknown',
] as const;
export type VerdictState = (typeof verdictStates)[number];

/** One invariant, by its number in guarantees.md. */
export const Verdict = Type.Object({
  invariant: Type.Integer({ minimum: 1, maximum: 16 }),
  title: Type.String(),
  /** `always` holds at any time; `quiet` once faults are healed and the time for it has passed. */
  when: Type.Enum(['always', 'quiet']),
  state: Type.Enum([...verdictStates]),
  /** What was looked at ("stock of 40 products"), or why it could not be. */
  detail: Type.String(),
  /** Ids that offend now, at most twenty, and how many there are in all. */
  offending: Type.Array(Type.String()),
  offendingTotal: Type.Integer(),
  /** Looks since the auditor started, and those that found a violation. */
  checks: Type.Integer(),
  violations: Type.Integer(),
  checkedAt: Type.Union([Timestamp, Type.Null()]),
  /** How long the look took, in milliseconds. */
  milliseconds: Type.Number(),
  violatedSince: Type.Union([Timestamp, Type.Null()]),
});
export type Verdict = Static<typeof Verdict>;

/** `GET /verdicts`. */
export const Verdicts = Type.Object({
  at: Timestamp,
  items: Type.Array(Verdict),
  /** As the controller tells it; `unknown` when it has told nothing for ten seconds. */
  faults: Type.Enum(['active', 'none', 'unknown']),
  lastHealAt: Type.Union([Timestamp, Type.Null()]),
});
export type Verdicts = Static<typeof Verdicts>;

/** `PUT /lab/fault-window`: the controller tells, each second and at each change, whether faults are active. → 204 */
export const FaultWindow = Type.Object(
  { active: Type.Boolean(), lastHealAt: Type.Union([Timestamp, Type.Null()]) },
  { additionalProperties: false },
);
export type FaultWindow = Static<typeof FaultWindow>;

/** A transition of any order's saga, read from its row. */
export const Move = Type.Object({
  orderId: Uuid,
  seq: Type.Integer(),
  from: Type.Union([OrderState, Type.Null()]),
  event: Type.String(),
  to: OrderState,
  at: Timestamp,
});
export type Move = Static<typeof Move>;

/**
 * `GET /moves?after=<cursor>`: transitions committed since, oldest first, at most 2,000; without a cursor those of the
 * last ten seconds. A row is told once it can no longer be overtaken by one that was begun earlier and commits later.
 */
export const Moves = Type.Object({
  items: Type.Array(Move),
  cursor: Type.String(),
  /** Orders by state now, from rows. */
  totals: Type.Record(Type.String(), Type.Integer()),
});
export type Moves = Static<typeof Moves>;
