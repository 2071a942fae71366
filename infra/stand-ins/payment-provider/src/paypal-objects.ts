// PayPal's JSON objects, made from the state.

import { toDecimal } from './currency.ts';
import { payPalEventId } from './identifiers.ts';
import type { PayPalOrder, PayPalRefund } from './state.ts';

type Link = { href: string; rel: string; method: string };

/** An order with its payments. `base` is the stand-in's own address. */
export function payPalOrder(order: PayPalOrder, base: string): Record<string, unknown> {
  return {
    id: order.id,
    intent: 'AUTHORIZE',
    status: 'COMPLETED',
    payment_source: { paypal: { account_status: 'VERIFIED' } },
    purchase_units: [
      {
        reference_id: order.referenceId,
        custom_id: order.orderId,
        amount: money(order.amount, order.currency),
        payments: {
          authorizations: [authorization(order, base)],
          ...(order.captureId === null ? {} : { captures: [capture(order, base)] }),
        },
      },
    ],
    create_time: order.created,
    update_time: order.updated,
    links: [link(`${base}/v2/checkout/orders/${order.id}`, 'self', 'GET')],
  };
}

/** An order's authorisation. */
export function authorization(order: PayPalOrder, base: string): Record<string, unknown> {
  const self = `${base}/v2/payments/authorizations/${order.authorizationId}`;
  return {
    id: order.authorizationId,
    status: order.authorizationStatus,
    amount: money(order.amount, order.currency),
    custom_id: order.orderId,
    supplementary_data: { related_ids: { order_id: order.id } },
    create_time: order.created,
    update_time: order.updated,
    links: [
      link(self, 'self', 'GET'),
      link(`${self}/capture`, 'capture', 'POST'),
      link(`${self}/void`, 'void', 'POST'),
      link(`${base}/v2/checkout/orders/${order.id}`, 'up', 'GET'),
    ],
  };
}

/** An order's capture; the caller knows there is one. */
export function capture(order: PayPalOrder, base: string): Record<string, unknown> {
  const self = `${base}/v2/payments/captures/${order.captureId}`;
  const refundStatus = order.refunded === order.captured ? 'REFUNDED' : 'PARTIALLY_REFUNDED';
  return {
    id: order.captureId,
    status: order.refunded === 0 ? 'COMPLETED' : refundStatus,
    amount: money(order.captured, order.currency),
    final_capture: true,
    custom_id: order.orderId,
    supplementary_data: {
      related_ids: { order_id: order.id, authorization_id: order.authorizationId },
    },
    create_time: order.capturedAt,
    update_time: order.updated,
    links: [
      link(self, 'self', 'GET'),
      link(`${self}/refund`, 'refund', 'POST'),
      link(`${base}/v2/payments/authorizations/${order.authorizationId}`, 'up', 'GET'),
    ],
  };
}

/** A refund. */
export function payPalRefund(refund: PayPalRefund, base: string): Record<string, unknown> {
  return {
    id: refund.id,
    status: 'COMPLETED',
    amount: money(refund.amount, refund.currency),
    custom_id: refund.orderId,
    seller_payable_breakdown: {
      gross_amount: money(refund.amount, refund.currency),
      total_refunded_amount: money(refund.totalRefunded, refund.currency),
    },
    create_time: refund.created,
    update_time: refund.created,
    links: [
      link(`${base}/v2/payments/refunds/${refund.id}`, 'self', 'GET'),
      link(`${base}/v2/payments/captures/${refund.captureId}`, 'up', 'GET'),
    ],
  };
}

/** A webhook event around a resource. */
export function payPalEvent(
  type: string,
  resourceType: 'authorization' | 'capture' | 'refund',
  resource: Record<string, unknown>,
  base: string,
): { id: string } & Record<string, unknown> {
  const id = payPalEventId();
  return {
    id,
    event_version: '1.0',
    create_time: new Date().toISOString(),
    resource_type: resourceType,
    resource_version: '2.0',
    event_type: type,
    summary: `Stand-in: ${type}`,
    resource,
    links: [link(`${base}/v1/notifications/webhooks-events/${id}`, 'self', 'GET')],
  };
}

function money(amount: number, currency: string): { currency_code: string; value: string } {
  return { currency_code: currency, value: toDecimal(amount, currency) };
}

function link(href: string, rel: string, method: string): Link {
  return { href, rel, method };
}
