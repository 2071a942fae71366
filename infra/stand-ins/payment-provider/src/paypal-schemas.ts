// What PayPal's calls take. Unlike Stripe, PayPal ignores fields it does not know.

import { Type, type Static, type TSchema } from 'typebox';
import { Compile, type Validator } from 'typebox/compile';
import { fromDecimal } from './currency.ts';
import { invalidRequest, unprocessable } from './paypal-errors.ts';

const Money = Type.Object({
  currency_code: Type.String({ pattern: '^[A-Z]{3}$' }),
  value: Type.String({ minLength: 1, maxLength: 32 }),
});

const CreateOrder = Type.Object({
  intent: Type.Literal('AUTHORIZE'),
  purchase_units: Type.Array(
    Type.Object({
      reference_id: Type.Optional(Type.String({ minLength: 1, maxLength: 256 })),
      custom_id: Type.Optional(Type.String({ minLength: 1, maxLength: 255 })),
      amount: Money,
    }),
    { minItems: 1, maxItems: 1 },
  ),
  payment_source: Type.Object({
    paypal: Type.Object({ vault_id: Type.String({ minLength: 1, maxLength: 255 }) }),
  }),
});
const Capture = Type.Object({
  amount: Type.Optional(Money),
  final_capture: Type.Optional(Type.Boolean()),
});
const Refund = Type.Object({
  amount: Type.Optional(Money),
  custom_id: Type.Optional(Type.String({ minLength: 1, maxLength: 127 })),
});

/** Decoders: each returns the body or throws PayPal's 400. An absent body counts as `{}`. */
export const payPalBodies = {
  createOrder: decoder(CreateOrder),
  capture: decoder(Capture),
  refund: decoder(Refund),
};

/** PayPal's decimal as minor units. Throws PayPal's 422 for too many decimals, zero or less. */
export function minorUnits(money: Static<typeof Money>): number {
  const amount = fromDecimal(money.value, money.currency_code);
  if (amount === undefined) {
    throw unprocessable('DECIMAL_PRECISION', 'The value of the field should not have more decimals than the currency.');
  }
  if (amount <= 0) {
    throw unprocessable('CANNOT_BE_ZERO_OR_NEGATIVE', 'Must be greater than zero.');
  }
  return amount;
}

function decoder<Schema extends TSchema>(schema: Schema): (body: unknown) => Static<Schema> {
  const validator: Validator = Compile(schema);
  return (body) => {
    const value = body ?? {};
    if (validator.Check(value)) return value as Static<Schema>;
    const [error] = validator.Errors(value);
    const missing = error?.keyword === 'required' ? error.params.requiredProperties[0] : undefined;
    throw invalidRequest({
      field: `${error?.instancePath ?? ''}${missing === undefined ? '' : `/${missing}`}`,
      location: 'body',
      issue: missing === undefined ? 'INVALID_PARAMETER_VALUE' : 'MISSING_REQUIRED_PARAMETER',
      description: missing === undefined ? (error?.message ?? 'invalid') : 'A required field is missing.',
    });
  };
}
