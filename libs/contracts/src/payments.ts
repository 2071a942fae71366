/** How an order is paid. */
import { Type, type Static } from 'typebox';

export const paymentProviders = ['stripe', 'paypal'] as const;
export type PaymentProviderName = (typeof paymentProviders)[number];

export const PaymentProviderName = Type.Enum([...paymentProviders]);

/** The provider and its own name for the means of payment, e.g. `stripe` / `pm_card_visa`. */
export const PaymentChoice = Type.Object(
  {
    provider: PaymentProviderName,
    method: Type.String({ minLength: 1, maxLength: 100, pattern: '^[A-Za-z0-9_-]+$' }),
  },
  { additionalProperties: false },
);
export type PaymentChoice = Static<typeof PaymentChoice>;

/** What the connected providers accept, with the outcome a tester should expect. */
export const PaymentMethod = Type.Object({
  provider: PaymentProviderName,
  method: Type.String(),
  label: Type.String(),
  /** E.g. `accepted`, `declined`, or a sentence about what the test method does. */
  outcome: Type.String(),
});
export type PaymentMethod = Static<typeof PaymentMethod>;

export const PaymentMethods = Type.Array(PaymentMethod);
