// The parts of PayPal's objects that are read here. Everything else in a reply or webhook is ignored.

import { Type } from 'typebox';
import { Compile } from 'typebox/compile';

const Id = Type.String({ minLength: 1, maxLength: 255 });
const Money = Type.Object({
  currency_code: Type.String({ pattern: '^[A-Z]{3}$' }),
  value: Type.String({ minLength: 1, maxLength: 32 }),
});
const Related = Type.Optional(
  Type.Object({
    related_ids: Type.Optional(Type.Object({ order_id: Type.Optional(Id), authorization_id: Type.Optional(Id) })),
  }),
);
const Links = Type.Optional(Type.Array(Type.Object({ href: Type.String({ maxLength: 2048 }), rel: Type.String() })));

const Authorization = Type.Object({
  id: Id,
  status: Type.String(),
  amount: Money,
  custom_id: Type.Optional(Type.String()),
  supplementary_data: Related,
});
const Capture = Type.Object({
  id: Id,
  status: Type.String(),
  amount: Money,
  custom_id: Type.Optional(Type.String()),
  supplementary_data: Related,
});

/** An authorisation, in replies and in events. */
export const authorizationSchema = Compile(Authorization);
/** A capture, in replies and in events. */
export const captureSchema = Compile(Capture);

/** A refund, in replies and in events. */
export const refundSchema = Compile(
  Type.Object({
    id: Id,
    status: Type.String(),
    amount: Money,
    custom_id: Type.Optional(Type.String()),
    seller_payable_breakdown: Type.Optional(Type.Object({ total_refunded_amount: Type.Optional(Money) })),
    links: Links,
  }),
);

/** An order with what was paid on it. */
export const orderSchema = Compile(
  Type.Object({
    id: Id,
    status: Type.String(),
    purchase_units: Type.Optional(
      Type.Array(
        Type.Object({
          custom_id: Type.Optional(Type.String()),
          payments: Type.Optional(
            Type.Object({
              authorizations: Type.Optional(Type.Array(Authorization)),
              captures: Type.Optional(Type.Array(Capture)),
            }),
          ),
        }),
      ),
    ),
  }),
);

/** What every event has around its resource. */
export const eventSchema = Compile(
  Type.Object({
    id: Id,
    event_type: Type.String({ minLength: 1, maxLength: 255 }),
    create_time: Type.String({ maxLength: 64 }),
    resource: Type.Record(Type.String(), Type.Unknown()),
  }),
);
