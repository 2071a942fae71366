// What Stripe's calls do to the state. Pure but for ids and the clock: each takes the state and decoded
// parameters and returns an outcome; `operations.ts` carries it out.

import { stripeId } from './identifiers.ts';
import { behaviourOf, findMethod, type Behaviour } from './methods.ts';
import { deliveriesOf, type Outcome } from './operations.ts';
import type { State, StripePayment, StripeRefund } from './state.ts';
import { noSuch, StripeFailure } from './stripe-errors.ts';
import { charge, event, paymentIntent, refund } from './stripe-objects.ts';
import type { Webhook } from './webhook-delivery.ts';

/** Who is asking: goes into the events a call causes. */
export type Cause = { apiVersion: string; requestId: string; key: string | undefined };

/** Creates and confirms a payment. `parameters` are the checked ones of `stripe-schemas.ts`. */
export function createPayment(
  parameters: {
    amount: string;
    currency: string;
    payment_method: string;
    metadata?: Record<string, string>;
    description?: string;
  },
  cause: Cause,
): Outcome {
  const method = findMethod('stripe', parameters.payment_method);
  if (method === undefined) {
    throw noSuch('PaymentMethod', parameters.payment_method, 'payment_method', 400);
  }
  const { declines } = method.behaviour;
  const metadata = { ...parameters.metadata };
  const payment: StripePayment = {
    kind: 'stripe.payment',
    id: stripeId('pi'),
    chargeId: stripeId('ch'),
    orderId: metadata['order_id'] ?? '',
    currency: parameters.currency.toLowerCase(),
    amount: Number(parameters.amount),
    method: method.method,
    status: declines === undefined ? 'requires_capture' : 'requires_payment_method',
    amountReceived: 0,
    amountRefunded: 0,
    metadata,
    description: parameters.description ?? null,
    failure:
      declines === undefined
        ? null
        : { code: declines.code, declineCode: declines.declineCode ?? null, message: declines.message },
    created: now(),
    canceledAt: null,
    cancellationReason: null,
  };
  const { behaviour } = method;
  if (declines !== undefined) {
    const body = { error: cardError(payment, paymentIntent(payment)) };
    const webhooks = tell('payment_intent.payment_failed', payment, behaviour, cause);
    return { status: 402, body, changes: [payment], webhooks, keep: true };
  }
  return {
    status: 200,
    body: paymentIntent(payment),
    changes: [payment],
    webhooks: tell(
      'payment_intent.amount_capturable_updated',
      payment,
      behaviour,
      cause,
      behaviour.webhooksReordered === true ? payment.id : null,
    ),
    keep: true,
    webhookBeforeReply: behaviour.webhookBeforeReply === true,
    loseReply: behaviour.losesReplyOf === 'authorize',
  };
}

/** Captures all or a part of an authorised payment; what is not captured is let go. */
export function capturePayment(
  state: State,
  id: string,
  parameters: { amount_to_capture?: string },
  cause: Cause,
): Outcome {
  const payment = existingPayment(state, id);
  if (payment.status !== 'requires_capture') {
    throw unexpectedState(payment, 'captured', 'requires_capture');
  }
  const amount = Number(parameters.amount_to_capture ?? payment.amount);
  if (amount > payment.amount) {
    throw new StripeFailure(400, {
      type: 'invalid_request_error',
      code: 'amount_too_large',
      message: 'The amount to capture is greater than the amount you can capture.',
      param: 'amount_to_capture',
    });
  }
  const behaviour = behaviourOf('stripe', payment.method);
  if (behaviour.captureRefused !== undefined) {
    const { code, declineCode, message } = behaviour.captureRefused;
    const failure = { code, declineCode: declineCode ?? null, message };
    const error = cardError({ ...payment, failure }, paymentIntent(payment));
    return { status: 402, body: { error }, keep: true };
  }
  const captured: StripePayment = { ...payment, status: 'succeeded', amountReceived: amount };
  const told = behaviour.webhookWrongAmount === true ? { ...captured, amountReceived: amount + 1 } : captured;
  return {
    status: 200,
    body: paymentIntent(captured),
    changes: [captured],
    webhooks: tell('payment_intent.succeeded', told, behaviour, cause),
    keep: true,
    release: payment.id,
    webhookBeforeReply: behaviour.webhookBeforeReply === true,
    loseReply: behaviour.losesReplyOf === 'capture',
  };
}

/** Cancels a payment that has not been captured. */
export function cancelPayment(
  state: State,
  id: string,
  parameters: { cancellation_reason?: string },
  cause: Cause,
): Outcome {
  const payment = existingPayment(state, id);
  if (payment.status === 'succeeded' || payment.status === 'canceled') {
    throw unexpectedState(payment, 'canceled', 'requires_capture or requires_payment_method');
  }
  const canceled: StripePayment = {
    ...payment,
    status: 'canceled',
    canceledAt: now(),
    cancellationReason: parameters.cancellation_reason ?? null,
  };
  const behaviour = behaviourOf('stripe', payment.method);
  return {
    status: 200,
    body: paymentIntent(canceled),
    changes: [canceled],
    webhooks: tell('payment_intent.canceled', canceled, behaviour, cause),
    keep: true,
    release: payment.id,
    webhookBeforeReply: behaviour.webhookBeforeReply === true,
  };
}

/** Refunds all that is left of a captured payment, or a part. */
export function createRefund(
  state: State,
  parameters: {
    payment_intent?: string;
    charge?: string;
    amount?: string;
    reason?: string;
    metadata?: Record<string, string>;
  },
  cause: Cause,
): Outcome {
  const payment = paymentToRefund(state, parameters);
  const left = payment.amountReceived - payment.amountRefunded;
  if (payment.amountReceived === 0) {
    throw refundRefused(payment, 'charge_not_refundable', 'This charge has not been captured.');
  }
  if (left === 0) {
    const message = `Charge ${payment.chargeId} has already been refunded.`;
    throw refundRefused(payment, 'charge_already_refunded', message);
  }
  const behaviour = behaviourOf('stripe', payment.method);
  const { refundsRefused = 0 } = payment;
  if (behaviour.refundRefused !== undefined && refundsRefused < (behaviour.refundsRefusedAtMost ?? Infinity)) {
    const { code, message } = behaviour.refundRefused;
    const error = refundRefused(payment, code, message).body;
    const refused: StripePayment = { ...payment, refundsRefused: refundsRefused + 1 };
    return { status: 400, body: { error }, changes: [refused], keep: true };
  }
  const amount = Number(parameters.amount ?? left);
  if (amount > left) {
    throw new StripeFailure(400, {
      type: 'invalid_request_error',
      message: `Refund amount (${amount}) is greater than unrefunded amount on charge (${left})`,
      param: 'amount',
    });
  }
  const made: StripeRefund = {
    kind: 'stripe.refund',
    id: stripeId('re'),
    paymentId: payment.id,
    chargeId: payment.chargeId,
    amount,
    currency: payment.currency,
    reason: parameters.reason ?? null,
    metadata: { ...parameters.metadata },
    created: now(),
  };
  const refunded: StripePayment = { ...payment, amountRefunded: payment.amountRefunded + amount };
  return {
    status: 200,
    body: refund(made),
    changes: [made, refunded],
    webhooks: tell('charge.refunded', refunded, behaviour, cause),
    keep: true,
    webhookBeforeReply: behaviour.webhookBeforeReply === true,
  };
}

/** The payment of that id. Throws Stripe's 404. */
export function existingPayment(state: State, id: string): StripePayment {
  const payment = state.stripePayments.get(id);
  if (payment === undefined) throw noSuch('payment_intent', id, 'intent');
  return payment;
}

function paymentToRefund(state: State, parameters: { payment_intent?: string; charge?: string }): StripePayment {
  if (parameters.payment_intent !== undefined) {
    const payment = state.stripePayments.get(parameters.payment_intent);
    if (payment !== undefined) return payment;
    throw noSuch('payment_intent', parameters.payment_intent, 'payment_intent');
  }
  if (parameters.charge === undefined) {
    throw new StripeFailure(400, {
      type: 'invalid_request_error',
      code: 'parameter_missing',
      message: 'One of the following params should be provided for this request: payment_intent or charge.',
    });
  }
  const payment = state.stripePayments.get(state.stripePaymentsByCharge.get(parameters.charge) ?? '');
  if (payment === undefined) throw noSuch('charge', parameters.charge, 'charge');
  return payment;
}

function tell(
  type: string,
  payment: StripePayment,
  behaviour: Behaviour,
  cause: Cause,
  heldFor: string | null = null,
): Webhook[] {
  const object = type === 'charge.refunded' ? charge(payment) : paymentIntent(payment);
  const request = { id: cause.requestId, idempotency_key: cause.key ?? null };
  const told = event(type, object, cause.apiVersion, request);
  return deliveriesOf('stripe', told.id, told, behaviour, heldFor);
}

function cardError(payment: StripePayment, intent: unknown): Record<string, unknown> {
  const { code, declineCode, message } = payment.failure ?? { code: '', declineCode: null, message: '' };
  return {
    type: 'card_error',
    code,
    ...(declineCode === null ? {} : { decline_code: declineCode }),
    message,
    charge: payment.chargeId,
    payment_intent: intent,
  };
}

function unexpectedState(payment: StripePayment, verb: string, allowed: string): StripeFailure {
  return new StripeFailure(400, {
    type: 'invalid_request_error',
    code: 'payment_intent_unexpected_state',
    message: `This PaymentIntent could not be ${verb} because it has a status of ${payment.status}. Only a PaymentIntent with one of the following statuses may be ${verb}: ${allowed}.`,
    payment_intent: paymentIntent(payment),
  });
}

function refundRefused(payment: StripePayment, code: string, message: string): StripeFailure {
  return new StripeFailure(400, {
    type: 'invalid_request_error',
    code,
    message,
    charge: payment.chargeId,
  });
}

function now(): number {
  return Math.floor(Date.now() / 1000);
}
