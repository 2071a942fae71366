/** Orders: what a client sends, what it can read, and the states it will see. */
import { Type, type Static } from 'typebox';
import { Money, Timestamp, Uuid } from './primitives.ts';
import { PaymentChoice } from './payments.ts';

/** Every state an order can be in. In the last three it has come to rest. */
export const orderStates = [
  'Initiated',
  'StockReserved',
  'ReadyForPayment',
  'PaymentCaptured',
  'Compensating',
  'Completed',
  'Compensated',
  'RequiresReview',
] as const;
export type OrderState = (typeof orderStates)[number];

export const OrderState = Type.Enum([...orderStates]);

/**
 * States after which an order never moves again by itself. Out of `RequiresReview` an operator's resolution leads; the
 * other two are final.
 */
export const finalOrderStates: readonly OrderState[] = ['Completed', 'Compensated', 'RequiresReview'];

const quantity = Type.Integer({ minimum: 1, maximum: 100 });

export const OrderLine = Type.Object({ productId: Uuid, quantity }, { additionalProperties: false });
export type OrderLine = Static<typeof OrderLine>;

/** `POST /orders`. There is no price in it: prices are the server's. A product may stand in one line only. */
export const PlaceOrder = Type.Object(
  { lines: Type.Array(OrderLine, { minItems: 1, maxItems: 50 }), payment: PaymentChoice },
  { additionalProperties: false },
);
export type PlaceOrder = Static<typeof PlaceOrder>;

export const OrderAccepted = Type.Object({ orderId: Uuid, state: OrderState });
export type OrderAccepted = Static<typeof OrderAccepted>;

/** One transition the saga made. `from` is null on the first. `seq` counts from 1 without gaps. */
export const OrderTransition = Type.Object({
  seq: Type.Integer({ minimum: 1 }),
  from: Type.Union([OrderState, Type.Null()]),
  event: Type.String(),
  to: OrderState,
  at: Timestamp,
});
export type OrderTransition = Static<typeof OrderTransition>;

export const PricedLine = Type.Object({
  productId: Uuid,
  name: Type.String(),
  quantity,
  unitPrice: Money,
});
export type PricedLine = Static<typeof PricedLine>;

export const Order = Type.Object({
  orderId: Uuid,
  state: OrderState,
  /** Why the order did not complete, in words for the customer; null while it may still complete. */
  reason: Type.Union([Type.String(), Type.Null()]),
  lines: Type.Array(PricedLine),
  total: Money,
  payment: PaymentChoice,
  placedAt: Timestamp,
  history: Type.Array(OrderTransition),
});
export type Order = Static<typeof Order>;

/** Newest first. */
export const OrderPage = Type.Object({
  items: Type.Array(Order),
  nextCursor: Type.Union([Type.String(), Type.Null()]),
});
export type OrderPage = Static<typeof OrderPage>;

export const OrderParams = Type.Object({ id: Uuid }, { additionalProperties: false });
export const OrderQuery = Type.Object(
  {
    cursor: Type.Optional(Type.String({ maxLength: 200 })),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 100, default: 20 })),
    /** For operators, who see everybody's orders with it; without it callers see their own. */
    state: Type.Optional(Type.Literal('RequiresReview')),
  },
  { additionalProperties: false },
);

/** What an operator may decide about an order in `RequiresReview`. */
export const orderDecisions = ['retry-refund', 'settled-by-hand'] as const;
export type OrderDecision = (typeof orderDecisions)[number];

/**
 * `POST /orders/:id/resolution` (operator): 200 with the order. `retry-refund` asks the provider once more;
 * `settled-by-hand` says that the money went back outside of it, and the note becomes the order's reason. 409 where the
 * order is not, or no longer, in `RequiresReview`.
 */
export const OrderResolution = Type.Object(
  {
    decision: Type.Enum([...orderDecisions]),
    /** Why, for the record; for `settled-by-hand` also for the customer. */
    note: Type.String({ minLength: 1, maxLength: 500 }),
  },
  { additionalProperties: false },
);
export type OrderResolution = Static<typeof OrderResolution>;

/**
 * `GET /orders/:id/events` (SSE). First an event `snapshot` with an `Order`, then an event `transition` with an
 * `OrderTransition` for each step; the SSE id is the transition's `seq`, so a client that reconnects with
 * `Last-Event-ID` gets only what it missed. After a final state the server sends `end` and closes.
 */
export const orderStreamEvents = ['snapshot', 'transition', 'end'] as const;
