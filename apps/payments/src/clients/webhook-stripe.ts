// Stripe's webhooks: is it from Stripe, is it fresh, and what does it say.

import type { Stripe } from 'stripe';
import { WebhookRejected, type WebhookEvidence, type WebhookFact, type WebhookHeaders } from './provider.ts';
import { chargeSchema, eventSchema, paymentIntentSchema } from './stripe-schemas.ts';

/** What a signature is checked against. */
export type StripeWebhookOptions = {
  secret: string;
  /** Seconds an event may be old, and lie in the future. */
  toleranceSeconds: number;
  now: () => number;
};

/** Throws {@link WebhookRejected}. `stripe` is any client of the SDK; only its verification is used. */
export function verifyStripeWebhook(
  stripe: Stripe,
  rawBody: Buffer,
  headers: WebhookHeaders,
  options: StripeWebhookOptions,
): WebhookEvidence {
  const header = headers['stripe-signature'];
  if (header === undefined || header === '') {
    throw new WebhookRejected('missing_header', 'Stripe-Signature is missing');
  }
  const now = options.now();
  checkAge(header, now, options.toleranceSeconds);
  let event: unknown;
  try {
    event = stripe.webhooks.constructEvent(rawBody, header, options.secret, options.toleranceSeconds, undefined, now);
  } catch (error) {
    if (error instanceof SyntaxError) {
      throw new WebhookRejected('malformed_body', 'The event is not JSON', { cause: error });
    }
    // Not only StripeSignatureVerificationError: the SDK throws plain errors for an empty signature.
    throw new WebhookRejected('bad_signature', 'Stripe-Signature does not fit', { cause: error });
  }
  return evidenceOf(event);
}

/** The SDK lets timestamps of the future pass, so the age is judged here, both ways. */
function checkAge(header: string | string[], now: number, toleranceSeconds: number): asserts header is string {
  const times = typeof header === 'string' ? [...header.matchAll(/(?:^|,)\s*t=([^,]*)/g)] : [];
  const [time] = times;
  if (times.length !== 1 || time?.[1] === undefined || !/^\d{1,12}$/.test(time[1])) {
    throw new WebhookRejected('malformed_header', 'Stripe-Signature has no single timestamp');
  }
  const age = Math.floor(now / 1000) - Number(time[1]);
  if (age > toleranceSeconds) throw new WebhookRejected('too_old', `Signed ${age} s ago`);
  if (age < -toleranceSeconds) throw new WebhookRejected('in_future', `Signed ${-age} s ahead`);
}

function evidenceOf(event: unknown): WebhookEvidence {
  if (!eventSchema.Check(event)) {
    throw new WebhookRejected('malformed_body', 'The event has not the shape of an event');
  }
  const read = READERS.get(event.type);
  const { orderId, fact } = read === undefined ? IGNORED : read(event.data.object);
  return {
    provider: 'stripe',
    eventId: event.id,
    type: event.type,
    orderId,
    occurredAt: new Date(event.created * 1000).toISOString(),
    fact: orderId === '' ? IGNORED.fact : fact,
  };
}

type Reading = { orderId: string; fact: WebhookFact };

const IGNORED: Reading = {
  orderId: '',
  fact: { kind: 'ignored', reference: '', amount: 0, currency: '' },
};

/** Which events count, and where in them the amount is. */
const READERS: ReadonlyMap<string, (object: unknown) => Reading> = new Map([
  ['payment_intent.amount_capturable_updated', intentReader('authorized', 'amount_capturable')],
  ['payment_intent.succeeded', intentReader('captured', 'amount_received')],
  ['payment_intent.payment_failed', intentReader('declined', 'amount')],
  ['payment_intent.canceled', intentReader('voided', 'amount')],
  ['charge.refunded', readRefundedCharge],
]);

function readRefundedCharge(object: unknown): Reading {
  if (!chargeSchema.Check(object)) throw noObject('charge');
  return {
    orderId: object.metadata['order_id'] ?? '',
    fact: {
      kind: 'refunded',
      reference: object.payment_intent ?? '',
      captureReference: object.id,
      amount: object.amount_refunded,
      currency: object.currency.toUpperCase(),
    },
  };
}

function intentReader(
  kind: WebhookFact['kind'],
  amount: 'amount' | 'amount_capturable' | 'amount_received',
): (object: unknown) => Reading {
  return (object) => {
    if (!paymentIntentSchema.Check(object)) throw noObject('payment intent');
    const captureReference =
      kind === 'captured' && object.latest_charge !== null ? { captureReference: object.latest_charge } : {};
    return {
      orderId: object.metadata['order_id'] ?? '',
      fact: {
        kind,
        reference: object.id,
        ...captureReference,
        amount: object[amount],
        currency: object.currency.toUpperCase(),
      },
    };
  };
}

function noObject(what: string): WebhookRejected {
  return new WebhookRejected('malformed_body', `The event carries no readable ${what}`);
}
