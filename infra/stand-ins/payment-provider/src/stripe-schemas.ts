// What Stripe's calls take, after the form is decoded, and Stripe's wording for what is wrong with it.

import { Type, type Static, type TSchema } from 'typebox';
import { Compile, type Validator } from 'typebox/compile';
import type { Form } from './form.ts';
import { StripeFailure } from './stripe-errors.ts';

const Amount = Type.String({ pattern: '^[1-9][0-9]{0,7}$' });
const Text = Type.String({ maxLength: 500 });
const Metadata = Type.Record(Type.String({ maxLength: 40 }), Text);
const List = Type.Union([Text, Type.Record(Type.String(), Text)]);
const closed = { additionalProperties: false };

const CreatePayment = Type.Object(
  {
    amount: Amount,
    currency: Type.String({ pattern: '^[A-Za-z]{3}$' }),
    confirm: Type.Literal('true'),
    capture_method: Type.Literal('manual'),
    payment_method: Text,
    allowed_payment_method_types: Type.Optional(List),
    automatic_payment_methods: Type.Optional(Type.Record(Type.String(), Text)),
    metadata: Type.Optional(Metadata),
    description: Type.Optional(Type.String({ maxLength: 1000 })),
    error_on_requires_action: Type.Optional(Text),
    statement_descriptor: Type.Optional(Text),
    statement_descriptor_suffix: Type.Optional(Text),
    off_session: Type.Optional(Text),
    return_url: Type.Optional(Type.String({ maxLength: 5000 })),
    expand: Type.Optional(List),
  },
  closed,
);
const Retrieve = Type.Object({ expand: Type.Optional(List), client_secret: Type.Optional(Text) }, closed);
const Capture = Type.Object(
  { amount_to_capture: Type.Optional(Amount), metadata: Type.Optional(Metadata), expand: Type.Optional(List) },
  closed,
);
const Cancel = Type.Object(
  {
    cancellation_reason: Type.Optional(
      Type.Union(
        ['abandoned', 'duplicate', 'fraudulent', 'requested_by_customer'].map((reason) => Type.Literal(reason)),
      ),
    ),
    expand: Type.Optional(List),
  },
  closed,
);
const CreateRefund = Type.Object(
  {
    payment_intent: Type.Optional(Text),
    charge: Type.Optional(Text),
    amount: Type.Optional(Amount),
    metadata: Type.Optional(Metadata),
    reason: Type.Optional(
      Type.Union(['duplicate', 'fraudulent', 'requested_by_customer'].map((reason) => Type.Literal(reason))),
    ),
    expand: Type.Optional(List),
  },
  closed,
);

/** Decoders: each returns the parameters or throws the 400 Stripe would answer. */
export const stripeParameters = {
  createPayment: decoder(CreatePayment),
  retrieve: decoder(Retrieve),
  capture: decoder(Capture),
  cancel: decoder(Cancel),
  createRefund: decoder(CreateRefund),
};

function decoder<Schema extends TSchema>(schema: Schema): (form: Form) => Static<Schema> {
  const validator: Validator = Compile(schema);
  return (form) => {
    if (validator.Check(form)) return form as Static<Schema>;
    throw failureFor(validator, form);
  };
}

function failureFor(validator: Validator, form: Form): StripeFailure {
  const errors = validator.Errors(form);
  for (const error of errors) {
    if (error.keyword === 'additionalProperties') {
      const name = error.params.additionalProperties[0] ?? '';
      return invalid(`Received unknown parameter: ${name.slice(0, 100)}`, name, 'parameter_unknown');
    }
  }
  for (const error of errors) {
    if (error.keyword === 'required') {
      const name = error.params.requiredProperties[0] ?? '';
      return invalid(`Missing required param: ${name}.`, name, 'parameter_missing');
    }
  }
  const name = errors[0]?.instancePath.split('/')[1] ?? '';
  const value = form[name];
  const shown = typeof value === 'string' ? value.slice(0, 100) : 'an object';
  if (name.startsWith('amount')) return invalidAmount(name, shown);
  return invalid(`Invalid ${name}: ${shown}`, name, undefined);
}

function invalidAmount(name: string, shown: string): StripeFailure {
  if (!/^-?[0-9]+$/.test(shown)) {
    return invalid(`Invalid integer: ${shown}`, name, 'parameter_invalid_integer');
  }
  if (/^(-|0+$)/.test(shown)) {
    return invalid('This value must be greater than or equal to 1.', name, 'parameter_invalid_integer');
  }
  return invalid('Amount must be no more than $999,999.99', name, 'amount_too_large');
}

function invalid(message: string, param: string, code: string | undefined): StripeFailure {
  return new StripeFailure(400, {
    type: 'invalid_request_error',
    message,
    param,
    ...(code === undefined ? {} : { code }),
  });
}
