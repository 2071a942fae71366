// What PayPal's calls do to the state; the counterpart of `stripe-payments.ts`.

import { payPalId } from './identifiers.ts';
import { behaviourOf, findMethod, type Behaviour } from './methods.ts';
import { deliveriesOf, type Outcome } from './operations.ts';
import { notFound, unprocessable } from './paypal-errors.ts';
import { authorization, capture, payPalEvent, payPalOrder, payPalRefund } from './paypal-objects.ts';
import { minorUnits, type payPalBodies } from './paypal-schemas.ts';
import type { PayPalOrder, PayPalRefund, State } from './state.ts';
import type { Webhook } from './webhook-delivery.ts';

type CreateBody = ReturnType<typeof payPalBodies.createOrder>;
type CaptureBody = ReturnType<typeof payPalBodies.capture>;
type RefundBody = ReturnType<typeof payPalBodies.refund>;

/** Where the stand-in is to be reached, and whether the caller wants more than ids and links. */
export type View = { base: string; representation: boolean };

/** Creates an order paid from the vault: authorised in the same step. */
export function createOrder(body: CreateBody, view: View): Outcome {
  const { vault_id: name } = body.payment_source.paypal;
  const method = findMethod('paypal', name);
  if (method === undefined) throw notFound();
  const [unit] = body.purchase_units;
  if (unit === undefined) throw notFound();
  const amount = minorUnits(unit.amount);
  const { behaviour } = method;
  if (behaviour.declines !== undefined) {
    throw unprocessable(behaviour.declines.code, behaviour.declines.message);
  }
  const time = new Date().toISOString();
  const order: PayPalOrder = {
    kind: 'paypal.order',
    id: payPalId(),
    orderId: unit.custom_id ?? '',
    referenceId: unit.reference_id ?? 'default',
    currency: unit.amount.currency_code,
    amount,
    method: method.method,
    authorizationId: payPalId(),
    authorizationStatus: 'CREATED',
    captureId: null,
    captured: 0,
    refunded: 0,
    created: time,
    updated: time,
    capturedAt: null,
  };
  const resource = authorization(order, view.base);
  return {
    status: 201,
    body: shown(payPalOrder(order, view.base), view),
    changes: [order],
    webhooks: tell('PAYMENT.AUTHORIZATION.CREATED', 'authorization', resource, behaviour, view),
    keep: true,
    webhookBeforeReply: behaviour.webhookBeforeReply === true,
  };
}

/** Captures an authorisation, once; what is not captured is let go. */
export function captureAuthorization(state: State, id: string, body: CaptureBody, view: View): Outcome {
  const order = orderOfAuthorization(state, id);
  if (order.authorizationStatus === 'CAPTURED') {
    throw unprocessable('AUTHORIZATION_ALREADY_CAPTURED', 'Authorization has already been captured.');
  }
  if (order.authorizationStatus === 'VOIDED') {
    throw unprocessable('AUTHORIZATION_VOIDED', 'A voided authorization cannot be captured.');
  }
  const amount = amountOf(body.amount, order, order.amount);
  if (amount > order.amount) {
    throw unprocessable('MAX_CAPTURE_AMOUNT_EXCEEDED', 'Capture amount exceeds allowable limit of the authorization.');
  }
  const time = new Date().toISOString();
  const captured: PayPalOrder = {
    ...order,
    authorizationStatus: 'CAPTURED',
    captureId: payPalId(),
    captured: amount,
    capturedAt: time,
    updated: time,
  };
  const behaviour = behaviourOf('paypal', order.method);
  const resource = capture(captured, view.base);
  return {
    status: 201,
    body: shown(resource, view),
    changes: [captured],
    webhooks: tell('PAYMENT.CAPTURE.COMPLETED', 'capture', resource, behaviour, view),
    keep: true,
    webhookBeforeReply: behaviour.webhookBeforeReply === true,
    loseReply: behaviour.losesReplyOf === 'capture',
  };
}

/** Voids an authorisation that was not captured. 204, unless a representation is asked for. */
export function voidAuthorization(state: State, id: string, view: View): Outcome {
  const order = orderOfAuthorization(state, id);
  if (order.authorizationStatus === 'CAPTURED') {
    throw unprocessable(
      'PREVIOUSLY_CAPTURED',
      'Authorization has been previously captured and hence cannot be voided.',
    );
  }
  if (order.authorizationStatus === 'VOIDED') {
    throw unprocessable(
      'PREVIOUSLY_VOIDED',
      'Authorization has been previously voided and hence cannot be voided again.',
    );
  }
  const voided: PayPalOrder = {
    ...order,
    authorizationStatus: 'VOIDED',
    updated: new Date().toISOString(),
  };
  const behaviour = behaviourOf('paypal', order.method);
  const resource = authorization(voided, view.base);
  return {
    status: view.representation ? 200 : 204,
    body: view.representation ? resource : undefined,
    changes: [voided],
    webhooks: tell('PAYMENT.AUTHORIZATION.VOIDED', 'authorization', resource, behaviour, view),
    keep: true,
    webhookBeforeReply: behaviour.webhookBeforeReply === true,
  };
}

/** Refunds all that is left of a capture, or a part. */
export function refundCapture(state: State, id: string, body: RefundBody, view: View): Outcome {
  const order = orderOfCapture(state, id);
  const left = order.captured - order.refunded;
  if (left === 0) {
    throw unprocessable('CAPTURE_FULLY_REFUNDED', 'The capture has already been fully refunded.');
  }
  const amount = amountOf(body.amount, order, left);
  if (amount > left) {
    throw unprocessable(
      'REFUND_AMOUNT_EXCEEDED',
      'The refund amount must be less than or equal to the capture amount that has not yet been refunded.',
    );
  }
  const time = new Date().toISOString();
  const refunded: PayPalOrder = { ...order, refunded: order.refunded + amount, updated: time };
  const refund: PayPalRefund = {
    kind: 'paypal.refund',
    id: payPalId(),
    captureId: id,
    orderId: order.orderId,
    amount,
    totalRefunded: refunded.refunded,
    currency: order.currency,
    created: time,
  };
  const behaviour = behaviourOf('paypal', order.method);
  const resource = payPalRefund(refund, view.base);
  return {
    status: 201,
    body: shown(resource, view),
    changes: [refund, refunded],
    webhooks: tell('PAYMENT.CAPTURE.REFUNDED', 'refund', resource, behaviour, view),
    keep: true,
    webhookBeforeReply: behaviour.webhookBeforeReply === true,
  };
}

/** The order that authorisation belongs to. Throws PayPal's 404. */
export function orderOfAuthorization(state: State, id: string): PayPalOrder {
  return found(state.payPalOrders.get(state.payPalOrdersByAuthorization.get(id) ?? ''));
}

/** The order that capture belongs to. Throws PayPal's 404. */
export function orderOfCapture(state: State, id: string): PayPalOrder {
  return found(state.payPalOrders.get(state.payPalOrdersByCapture.get(id) ?? ''));
}

/** The order, or PayPal's 404. */
export function found<Entity>(entity: Entity | undefined): Entity {
  if (entity === undefined) throw notFound();
  return entity;
}

function amountOf(
  money: { currency_code: string; value: string } | undefined,
  order: PayPalOrder,
  otherwise: number,
): number {
  if (money === undefined) return otherwise;
  if (money.currency_code !== order.currency) {
    throw unprocessable('CURRENCY_MISMATCH', 'The currency must be the same as that of the authorization or capture.');
  }
  return minorUnits(money);
}

function tell(
  type: string,
  resourceType: 'authorization' | 'capture' | 'refund',
  resource: Record<string, unknown>,
  behaviour: Behaviour,
  view: View,
): Webhook[] {
  const told = payPalEvent(type, resourceType, resource, view.base);
  return deliveriesOf('paypal', told.id, told, behaviour);
}

function shown(resource: Record<string, unknown>, view: View): Record<string, unknown> {
  if (view.representation) return resource;
  return { id: resource['id'], status: resource['status'], links: resource['links'] };
}
