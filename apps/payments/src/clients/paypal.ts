// PayPal's Orders v2 and Payments v2: a vaulted payer's order is authorised in one step and captured by a
// second call. The authorisation's id is the reference.

import { Connection } from './connection.ts';
import { MethodList, PAYPAL_DECLINE, payPalMethods } from './methods.ts';
import { fromDecimal, payPalValue } from './money.ts';
import { PayPalConnection, read, type PayPalReply } from './paypal-connection.ts';
import { authorizationSchema, captureSchema, orderSchema, refundSchema } from './paypal-schemas.ts';
import { ProviderProtocolError, ProviderUnavailable, type PaymentProvider } from './provider.ts';
import { CertificateStore } from './webhook-certificates.ts';
import { verifyPayPalWebhook } from './webhook-paypal.ts';

/** How to reach and believe PayPal. */
export type PayPalOptions = {
  /** `https://api-m.sandbox.paypal.com`, `https://api-m.paypal.com`, or the stand-in's address. */
  apiBase: string;
  clientId: string;
  clientSecret: string;
  webhookId: string;
  /** `host` or `host:port`; see `webhook-certificates.ts`. */
  certificateHosts: readonly string[];
  /** The vaulted payer of a real account; left out for the stand-in, whose vault ids are method names. */
  vaultId?: string;
  timeoutMilliseconds: number;
  webhookToleranceSeconds: number;
  connections: number;
  /** Milliseconds since 1970; for tests. */
  now: () => number;
};

/** PayPal describes its issues to developers; these are told to the customer. */
const declineSentences: Readonly<Record<string, string>> = {
  INSTRUMENT_DECLINED: 'PayPal declined the payment.',
};

/** PayPal as a {@link PaymentProvider}. `close` lets its connections go. */
export function createPayPal(options: PayPalOptions): PaymentProvider & { close: () => Promise<void> } {
  const base = new URL(options.apiBase);
  const connection = new Connection(options.apiBase, options.connections);
  const paypal = new PayPalConnection(connection, options);
  const certificates = new CertificateStore(options);
  const real = /(^|\.)paypal\.com$/.test(base.hostname);
  const fixed = real ? payPalMethods(options.vaultId, base.hostname.includes('sandbox')) : undefined;
  const methods = new MethodList(connection, 'paypal', fixed, options);

  /** Which capture took an authorisation's money: only the order tells. */
  async function findCapture(
    authorizationId: string,
  ): Promise<{ captureReference: string; amount: number } | undefined> {
    const found = success(await paypal.call({ method: 'GET', path: authorizationPath(authorizationId) }));
    const authorization = read(authorizationSchema, found, 'authorization');
    if (!/^(PARTIALLY_)?CAPTURED$/.test(authorization.status)) return undefined;
    const orderId = authorization.supplementary_data?.related_ids?.order_id;
    if (orderId === undefined) throw new ProviderProtocolError('PayPal does not name the order');
    const path = `/v2/checkout/orders/${encodeURIComponent(orderId)}`;
    const order = read(orderSchema, success(await paypal.call({ method: 'GET', path })), 'order');
    const capture = order.purchase_units?.[0]?.payments?.captures?.find((candidate) =>
      /^(COMPLETED|PARTIALLY_REFUNDED|REFUNDED)$/.test(candidate.status),
    );
    if (capture === undefined) {
      throw new ProviderUnavailable('PayPal does not show the capture yet');
    }
    return { captureReference: capture.id, amount: minorUnits(capture.amount) };
  }

  return {
    name: 'paypal',

    async authorize({ orderId, amount, currency, method, idempotencyKey }) {
      const value = payPalValue(amount, currency);
      if (value === undefined) {
        const detail = `PayPal cannot take ${amount} minor units of ${currency}`;
        return { outcome: 'declined', code: 'unsupported_currency', detail };
      }
      if (fixed !== undefined && !fixed.some((known) => known.method === method)) {
        const detail = `PayPal has no ${method} here`;
        return { outcome: 'declined', code: 'unknown_method', detail };
      }
      const reply = await paypal.call({
        method: 'POST',
        path: '/v2/checkout/orders',
        requestId: idempotencyKey,
        // Sandbox and stand-in decline when asked to; live PayPal does not know this header.
        headers:
          method === PAYPAL_DECLINE
            ? { 'paypal-mock-response': '{"mock_application_codes":"INSTRUMENT_DECLINED"}' }
            : {},
        body: {
          intent: 'AUTHORIZE',
          purchase_units: [{ custom_id: orderId, amount: { currency_code: currency, value } }],
          payment_source: { paypal: { vault_id: options.vaultId ?? method } },
        },
      });
      if (!reply.ok) {
        if (reply.status === 400) throw unexpected(reply);
        return { outcome: 'declined', code: reply.issue, detail: declineSentences[reply.issue] ?? reply.detail };
      }
      const order = read(orderSchema, reply.body, 'order');
      const unit = order.purchase_units?.[0];
      const authorization = unit?.payments?.authorizations?.[0];
      if (authorization === undefined) {
        const detail = `The order is ${order.status} and not authorised`;
        return { outcome: 'declined', code: order.status, detail };
      }
      // A repeated request id brings back the first order, whatever is asked the second time.
      requireAmount(authorization.amount, amount, currency);
      if ((authorization.custom_id ?? unit?.custom_id) !== orderId) {
        throw new ProviderProtocolError('PayPal authorised for another order than was asked for');
      }
      switch (authorization.status) {
        case 'CREATED':
        case 'CAPTURED':
        case 'PARTIALLY_CAPTURED':
          return { outcome: 'authorized', reference: authorization.id };
        case 'PENDING':
          throw new ProviderUnavailable('PayPal is still reviewing the authorisation');
        default: {
          const detail = `The authorisation is ${authorization.status}`;
          return { outcome: 'declined', code: authorization.status, detail };
        }
      }
    },

    async capture({ reference, amount, currency, idempotencyKey }) {
      const value = payPalValue(amount, currency);
      if (value === undefined) {
        throw new ProviderProtocolError(`PayPal cannot take ${amount} minor units of ${currency}`);
      }
      const reply = await paypal.call({
        method: 'POST',
        path: `${authorizationPath(reference)}/capture`,
        requestId: idempotencyKey,
        body: { amount: { currency_code: currency, value }, final_capture: true },
      });
      if (!reply.ok) {
        if (reply.status !== 422) throw unexpected(reply);
        if (reply.issue === 'AUTHORIZATION_ALREADY_CAPTURED') {
          const found = await findCapture(reference);
          if (found !== undefined) return { outcome: 'captured', ...found };
        }
        return { outcome: 'refused', code: reply.issue, detail: reply.detail };
      }
      const capture = read(captureSchema, reply.body, 'capture');
      switch (capture.status) {
        case 'COMPLETED':
        case 'PARTIALLY_REFUNDED':
        case 'REFUNDED':
          requireCurrency(capture.amount.currency_code, currency);
          return {
            outcome: 'captured',
            captureReference: capture.id,
            amount: minorUnits(capture.amount),
          };
        case 'PENDING':
          throw new ProviderUnavailable('PayPal is still working on the capture');
        default: {
          const detail = `The capture is ${capture.status}`;
          return { outcome: 'refused', code: capture.status, detail };
        }
      }
    },

    async cancel({ reference, idempotencyKey }) {
      const path = `${authorizationPath(reference)}/void`;
      const reply = await paypal.call({ method: 'POST', path, requestId: idempotencyKey });
      if (reply.ok) return { outcome: 'voided' };
      if (reply.status !== 422) throw unexpected(reply);
      // Which of several issues it is matters less than what has become of the authorisation.
      const found = await findCapture(reference);
      if (found !== undefined) return { outcome: 'captured', ...found };
      if (/VOIDED|EXPIRED/.test(reply.issue)) return { outcome: 'voided' };
      throw unexpected(reply);
    },

    async refund({ orderId, captureReference, amount, currency, idempotencyKey }) {
      const value = payPalValue(amount, currency);
      if (value === undefined) {
        throw new ProviderProtocolError(`PayPal cannot refund ${amount} minor units of ${currency}`);
      }
      const reply = await paypal.call({
        method: 'POST',
        path: `/v2/payments/captures/${encodeURIComponent(captureReference)}/refund`,
        requestId: idempotencyKey,
        body: { amount: { currency_code: currency, value }, custom_id: orderId },
      });
      if (!reply.ok) {
        if (reply.issue === 'CAPTURE_FULLY_REFUNDED') return { outcome: 'refunded' };
        if (reply.status !== 422) throw unexpected(reply);
        return { outcome: 'refused', code: reply.issue, detail: reply.detail };
      }
      const refund = read(refundSchema, reply.body, 'refund');
      requireAmount(refund.amount, amount, currency);
      if (refund.status === 'COMPLETED' || refund.status === 'PENDING') return { outcome: 'refunded' };
      return { outcome: 'refused', code: refund.status, detail: `The refund is ${refund.status}` };
    },

    verifyWebhook: (rawBody, headers) =>
      verifyPayPalWebhook(rawBody, headers, {
        webhookId: options.webhookId,
        toleranceSeconds: options.webhookToleranceSeconds,
        certificates,
        now: options.now,
      }),

    listMethods: () => methods.get(),

    async close() {
      await Promise.all([connection.close(), certificates.close()]);
    },
  };
}

function authorizationPath(id: string): string {
  return `/v2/payments/authorizations/${encodeURIComponent(id)}`;
}

function success(reply: PayPalReply): unknown {
  if (reply.ok) return reply.body;
  throw unexpected(reply);
}

function unexpected(reply: PayPalReply & { ok: false }): ProviderProtocolError {
  const { status, issue, detail, debugId } = reply;
  return new ProviderProtocolError(`PayPal answered ${status} ${issue}: ${detail} (debug id ${debugId})`);
}

function minorUnits(money: { currency_code: string; value: string }): number {
  const amount = fromDecimal(money.value, money.currency_code);
  if (amount !== undefined) return amount;
  throw new ProviderProtocolError(`PayPal states no exact amount of ${money.currency_code}`);
}

function requireCurrency(got: string, asked: string): void {
  if (got === asked) return;
  throw new ProviderProtocolError(`PayPal answered in ${got} where ${asked} was asked for`);
}

function requireAmount(got: { currency_code: string; value: string }, amount: number, currency: string): void {
  requireCurrency(got.currency_code, currency);
  if (minorUnits(got) === amount) return;
  throw new ProviderProtocolError('PayPal answered with another amount than was asked for');
}
