// Everything the stand-in knows, in memory: payments, refunds, and the ledger that follows from them.
// It changes only by `apply`, which the journal calls at start and the API handlers call afterwards.

import type { ProviderName } from './methods.ts';

/** A Stripe PaymentIntent with its one charge. Amounts in minor units, times in seconds. */
export type StripePayment = {
  kind: 'stripe.payment';
  id: string;
  chargeId: string;
  orderId: string;
  currency: string;
  amount: number;
  method: string;
  status: 'requires_capture' | 'succeeded' | 'canceled' | 'requires_payment_method';
  amountReceived: number;
  amountRefunded: number;
  /** How many refunds were refused; left out while none was. */
  refundsRefused?: number;
  metadata: Record<string, string>;
  description: string | null;
  failure: { code: string; declineCode: string | null; message: string } | null;
  created: number;
  canceledAt: number | null;
  cancellationReason: string | null;
};

/** A Stripe refund; they all succeed at once. */
export type StripeRefund = {
  kind: 'stripe.refund';
  id: string;
  paymentId: string;
  chargeId: string;
  amount: number;
  currency: string;
  reason: string | null;
  metadata: Record<string, string>;
  created: number;
};

/** A PayPal order with its one authorisation and at most one capture. Times are RFC 3339. */
export type PayPalOrder = {
  kind: 'paypal.order';
  id: string;
  /** The caller's `custom_id`. */
  orderId: string;
  referenceId: string;
  currency: string;
  amount: number;
  method: string;
  authorizationId: string;
  authorizationStatus: 'CREATED' | 'CAPTURED' | 'VOIDED';
  captureId: string | null;
  captured: number;
  refunded: number;
  created: string;
  updated: string;
  capturedAt: string | null;
};

/** A PayPal refund. */
export type PayPalRefund = {
  kind: 'paypal.refund';
  id: string;
  captureId: string;
  orderId: string;
  amount: number;
  /** All refunds of this capture so far, this one included. */
  totalRefunded: number;
  currency: string;
  created: string;
};

/** Anything that `apply` takes. */
export type Entity = StripePayment | StripeRefund | PayPalOrder | PayPalRefund;

/** One line of `GET /ledger`. Integer minor units. */
export type LedgerRow = {
  orderId: string;
  provider: ProviderName;
  /** ISO 4217, upper case. */
  currency: string;
  /** Authorised and not voided; stays as it was once captured. */
  authorized: number;
  /** Captured, refunds not subtracted. */
  captured: number;
  refunded: number;
};

/** The whole of it. */
export class State {
  readonly stripePayments = new Map<string, StripePayment>();
  readonly stripePaymentsByCharge = new Map<string, string>();
  readonly stripeRefunds = new Map<string, StripeRefund>();
  readonly payPalOrders = new Map<string, PayPalOrder>();
  readonly payPalOrdersByAuthorization = new Map<string, string>();
  readonly payPalOrdersByCapture = new Map<string, string>();
  readonly payPalRefunds = new Map<string, PayPalRefund>();
  readonly #ledger = new Map<string, LedgerRow>();
  /** Keys of the ledger's rows, once for each change, oldest first. */
  readonly #changes: string[] = [];

  /** Puts one entity in place of its former version, and the ledger right. */
  apply(entity: Entity): void {
    switch (entity.kind) {
      case 'stripe.payment':
        this.#adjustLedger(stripeContribution(this.stripePayments.get(entity.id)), -1);
        this.stripePayments.set(entity.id, entity);
        this.stripePaymentsByCharge.set(entity.chargeId, entity.id);
        this.#adjustLedger(stripeContribution(entity), 1);
        break;
      case 'stripe.refund':
        this.stripeRefunds.set(entity.id, entity);
        break;
      case 'paypal.order':
        this.#adjustLedger(payPalContribution(this.payPalOrders.get(entity.id)), -1);
        this.payPalOrders.set(entity.id, entity);
        this.payPalOrdersByAuthorization.set(entity.authorizationId, entity.id);
        if (entity.captureId !== null) this.payPalOrdersByCapture.set(entity.captureId, entity.id);
        this.#adjustLedger(payPalContribution(entity), 1);
        break;
      case 'paypal.refund':
        this.payPalRefunds.set(entity.id, entity);
        break;
    }
  }

  /** The ledger's rows in the order the orders first came; of one order only, if given. */
  ledger(orderId?: string): LedgerRow[] {
    const rows = [...this.#ledger.values()];
    return orderId === undefined ? rows : rows.filter((row) => row.orderId === orderId);
  }

  /** How often the ledger has changed. */
  get ledgerChanges(): number {
    return this.#changes.length;
  }

  /** The rows that have changed since there were `changes` changes, as they are now. */
  ledgerSince(changes: number): LedgerRow[] {
    return [...new Set(this.#changes.slice(changes))].map((key) => this.#ledger.get(key)!);
  }

  #adjustLedger(contribution: LedgerRow | undefined, sign: 1 | -1): void {
    if (contribution === undefined) return;
    const { orderId, provider, currency } = contribution;
    const key = `${provider} ${currency} ${orderId}`;
    const row = this.#ledger.get(key) ?? {
      orderId,
      provider,
      currency,
      authorized: 0,
      captured: 0,
      refunded: 0,
    };
    this.#ledger.set(key, {
      ...row,
      authorized: row.authorized + sign * contribution.authorized,
      captured: row.captured + sign * contribution.captured,
      refunded: row.refunded + sign * contribution.refunded,
    });
    if (sign === 1) this.#changes.push(key);
  }
}

function stripeContribution(payment: StripePayment | undefined): LedgerRow | undefined {
  if (payment === undefined) return undefined;
  const holds = payment.status === 'requires_capture' || payment.status === 'succeeded';
  return {
    orderId: payment.orderId,
    provider: 'stripe',
    currency: payment.currency.toUpperCase(),
    authorized: holds ? payment.amount : 0,
    captured: payment.amountReceived,
    refunded: payment.amountRefunded,
  };
}

function payPalContribution(order: PayPalOrder | undefined): LedgerRow | undefined {
  if (order === undefined) return undefined;
  return {
    orderId: order.orderId,
    provider: 'paypal',
    currency: order.currency,
    authorized: order.authorizationStatus === 'VOIDED' ? 0 : order.amount,
    captured: order.captured,
    refunded: order.refunded,
  };
}
