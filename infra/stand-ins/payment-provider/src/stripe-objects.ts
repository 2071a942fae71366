// Stripe's JSON objects, made from the state. Only fields with a meaning here are filled; the rest that
// clients commonly read is present as Stripe would send it.

import type { StripePayment, StripeRefund } from './state.ts';
import { stripeId } from './identifiers.ts';

/** A PaymentIntent. */
export function paymentIntent(payment: StripePayment): Record<string, unknown> {
  return {
    id: payment.id,
    object: 'payment_intent',
    amount: payment.amount,
    amount_capturable: payment.status === 'requires_capture' ? payment.amount : 0,
    amount_received: payment.amountReceived,
    canceled_at: payment.canceledAt,
    cancellation_reason: payment.cancellationReason,
    capture_method: 'manual',
    client_secret: `${payment.id}_secret_standin`,
    confirmation_method: 'automatic',
    created: payment.created,
    currency: payment.currency,
    customer: null,
    description: payment.description,
    last_payment_error: lastError(payment),
    latest_charge: payment.chargeId,
    livemode: false,
    metadata: payment.metadata,
    next_action: null,
    payment_method: payment.status === 'requires_payment_method' ? null : payment.method,
    payment_method_types: ['card'],
    status: payment.status,
  };
}

/** The PaymentIntent's charge. */
export function charge(payment: StripePayment): Record<string, unknown> {
  const failed = payment.status === 'requires_payment_method';
  return {
    id: payment.chargeId,
    object: 'charge',
    amount: payment.amount,
    amount_captured: payment.amountReceived,
    amount_refunded: payment.amountRefunded,
    captured: payment.amountReceived > 0,
    created: payment.created,
    currency: payment.currency,
    description: payment.description,
    failure_code: payment.failure?.code ?? null,
    failure_message: payment.failure?.message ?? null,
    livemode: false,
    // Stripe copies the PaymentIntent's metadata to its charge.
    metadata: payment.metadata,
    paid: !failed,
    payment_intent: payment.id,
    payment_method: payment.method,
    refunded: payment.amountReceived > 0 && payment.amountRefunded === payment.amountReceived,
    status: failed ? 'failed' : 'succeeded',
  };
}

/** A Refund. */
export function refund(entity: StripeRefund): Record<string, unknown> {
  return {
    id: entity.id,
    object: 'refund',
    amount: entity.amount,
    charge: entity.chargeId,
    created: entity.created,
    currency: entity.currency,
    metadata: entity.metadata,
    payment_intent: entity.paymentId,
    reason: entity.reason,
    status: 'succeeded',
  };
}

/** An event around an object; `apiVersion` is the one the causing request asked for. */
export function event(
  type: string,
  object: Record<string, unknown>,
  apiVersion: string,
  cause: { id: string; idempotency_key: string | null },
): { id: string } & Record<string, unknown> {
  return {
    id: stripeId('evt'),
    object: 'event',
    api_version: apiVersion,
    created: Math.floor(Date.now() / 1000),
    data: { object },
    livemode: false,
    pending_webhooks: 1,
    request: cause,
    type,
  };
}

function lastError(payment: StripePayment): Record<string, unknown> | null {
  if (payment.failure === null) return null;
  return {
    type: 'card_error',
    code: payment.failure.code,
    ...(payment.failure.declineCode === null ? {} : { decline_code: payment.failure.declineCode }),
    message: payment.failure.message,
    charge: payment.chargeId,
  };
}
