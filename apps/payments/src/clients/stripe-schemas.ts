// The parts of Stripe's objects that are read here. Everything else in a reply or webhook is ignored.

import { Type } from 'typebox';
import { Compile } from 'typebox/compile';

const Id = Type.String({ minLength: 1, maxLength: 255 });
const Amount = Type.Integer({ minimum: 0 });
const Currency = Type.String({ pattern: '^[a-z]{3}$' });
const Metadata = Type.Record(Type.String(), Type.String());

const PaymentIntent = Type.Object({
  id: Id,
  object: Type.Literal('payment_intent'),
  status: Type.String(),
  amount: Amount,
  amount_capturable: Amount,
  amount_received: Amount,
  currency: Currency,
  latest_charge: Type.Union([Id, Type.Null()]),
  metadata: Metadata,
  last_payment_error: Type.Optional(
    Type.Union([
      Type.Null(),
      Type.Object({
        code: Type.Optional(Type.String()),
        decline_code: Type.Optional(Type.String()),
        message: Type.Optional(Type.String()),
      }),
    ]),
  ),
});

/** A PaymentIntent, in replies and in events. */
export const paymentIntentSchema = Compile(PaymentIntent);

/** A Charge, as `charge.refunded` carries it. */
export const chargeSchema = Compile(
  Type.Object({
    id: Id,
    object: Type.Literal('charge'),
    payment_intent: Type.Union([Id, Type.Null()]),
    amount_refunded: Amount,
    currency: Currency,
    metadata: Metadata,
  }),
);

/** A Refund. */
export const refundSchema = Compile(
  Type.Object({
    id: Id,
    object: Type.Literal('refund'),
    amount: Amount,
    currency: Currency,
    status: Type.Union([Type.String(), Type.Null()]),
    failure_reason: Type.Optional(Type.String()),
  }),
);

/** What every event has around its object. */
export const eventSchema = Compile(
  Type.Object({
    id: Id,
    object: Type.Literal('event'),
    type: Type.String({ minLength: 1, maxLength: 255 }),
    // Up to the year 9999, the last that RFC 3339 can write.
    created: Type.Integer({ minimum: 0, maximum: 253_402_300_799 }),
    data: Type.Object({ object: Type.Record(Type.String(), Type.Unknown()) }),
  }),
);
