// Stripe through its SDK: one PaymentIntent per order, confirmed at once and captured by a second call.

import { Stripe } from 'stripe';
import type { PaymentMethod } from '@ballast/contracts';
import { Connection } from './connection.ts';
import { MethodList, stripeTestMethods } from './methods.ts';
import { stripeTakes } from './money.ts';
import {
  ProviderProtocolError,
  ProviderUnavailable,
  type CancelResult,
  type PaymentProvider,
  type WebhookEvidence,
} from './provider.ts';
import { StripeHttpClient } from './stripe-http-client.ts';
import { paymentIntentSchema, refundSchema } from './stripe-schemas.ts';
import { verifyStripeWebhook } from './webhook-stripe.ts';

/** How to reach and believe Stripe. */
export type StripeOptions = {
  /** `https://api.stripe.com`, or the stand-in's address. */
  apiBase: string;
  secretKey: string;
  webhookSecret: string;
  timeoutMilliseconds: number;
  webhookToleranceSeconds: number;
  connections: number;
  /** Milliseconds since 1970; for tests. */
  now: () => number;
};

/** Stripe as a {@link PaymentProvider}. `close` lets its connections go. */
export function createStripe(options: StripeOptions): PaymentProvider & { close: () => Promise<void> } {
  const base = new URL(options.apiBase);
  const connection = new Connection(options.apiBase, options.connections);
  const stripe = new Stripe(options.secretKey, {
    host: base.hostname,
    port: base.port === '' ? (base.protocol === 'https:' ? 443 : 80) : Number(base.port),
    protocol: base.protocol === 'https:' ? 'https' : 'http',
    httpClient: new StripeHttpClient(connection),
    timeout: options.timeoutMilliseconds,
    maxNetworkRetries: 0,
    telemetry: false,
  });
  const methods = new MethodList(
    connection,
    'stripe',
    base.hostname === 'api.stripe.com' ? stripeTestMethods(options.secretKey) : undefined,
    options,
  );

  return {
    name: 'stripe',

    async authorize({ orderId, amount, currency, method, idempotencyKey }) {
      if (!stripeTakes(amount, currency)) {
        return declined('unsupported_currency', `Stripe cannot take ${amount} minor units of ${currency}`);
      }
      const parameters: Stripe.PaymentIntentCreateParams = {
        amount,
        currency: currency.toLowerCase(),
        confirm: true,
        capture_method: 'manual',
        payment_method: method,
        allowed_payment_method_types: ['card'],
        // Nobody is there to take a further step with the bank; without this the payment would wait for one.
        error_on_requires_action: true,
        metadata: { order_id: orderId },
      };
      const reply = await attempt(() => stripe.paymentIntents.create(parameters, { idempotencyKey }));
      if (reply instanceof Stripe.errors.StripeCardError) return declined(codeOf(reply), reply.message);
      if (reply instanceof Stripe.errors.StripeError) {
        const aboutMethod = reply.param === 'payment_method' && reply.code !== undefined;
        if (aboutMethod || reply.code?.startsWith('amount_too_') === true) {
          return declined(codeOf(reply), reply.message);
        }
        throw unexpected(reply);
      }
      const intent = readIntent(reply);
      if (
        intent.amount !== amount ||
        intent.currency !== currency.toLowerCase() ||
        intent.metadata['order_id'] !== orderId
      ) {
        throw new ProviderProtocolError('Stripe authorised something else than was asked for');
      }
      switch (intent.status) {
        case 'requires_capture':
        case 'succeeded':
          return { outcome: 'authorized', reference: intent.id };
        case 'processing':
          throw new ProviderUnavailable('Stripe is still working on the payment');
        default: {
          const error = intent.last_payment_error;
          return declined(
            error?.decline_code ?? error?.code ?? intent.status,
            error?.message ?? `The payment is ${intent.status}`,
          );
        }
      }
    },

    async capture({ reference, amount, currency, idempotencyKey }) {
      const parameters = { amount_to_capture: amount };
      const reply = await attempt(() => stripe.paymentIntents.capture(reference, parameters, { idempotencyKey }));
      const intent = reply instanceof Stripe.errors.StripeError ? intentInside(reply) : readIntent(reply);
      if (intent?.status === 'succeeded') {
        requireCurrency(intent.currency, currency);
        return { outcome: 'captured', ...captureOf(intent) };
      }
      if (reply instanceof Stripe.errors.StripeError && isRefusal(reply)) {
        return { outcome: 'refused', code: codeOf(reply), detail: reply.message };
      }
      if (reply instanceof Stripe.errors.StripeError) throw unexpected(reply);
      throw new ProviderUnavailable(`The payment is ${intent?.status ?? 'unknown'} after capture`);
    },

    async cancel({ reference, idempotencyKey }): Promise<CancelResult> {
      const reply = await attempt(() => stripe.paymentIntents.cancel(reference, {}, { idempotencyKey }));
      const intent = reply instanceof Stripe.errors.StripeError ? intentInside(reply) : readIntent(reply);
      if (intent?.status === 'canceled') return { outcome: 'voided' };
      if (intent?.status === 'succeeded') return { outcome: 'captured', ...captureOf(intent) };
      if (intent?.status === 'processing') {
        throw new ProviderUnavailable('Stripe is still working on the payment');
      }
      if (reply instanceof Stripe.errors.StripeError) throw unexpected(reply);
      throw new ProviderProtocolError(`The payment is ${intent?.status ?? 'unknown'} after cancel`);
    },

    async refund({ orderId, reference, amount, currency, idempotencyKey }) {
      const parameters = { payment_intent: reference, amount, metadata: { order_id: orderId } };
      const reply = await attempt(() => stripe.refunds.create(parameters, { idempotencyKey }));
      if (reply instanceof Stripe.errors.StripeError) {
        if (reply.code === 'charge_already_refunded') return { outcome: 'refunded' };
        if (!isRefusal(reply)) throw unexpected(reply);
        return { outcome: 'refused', code: codeOf(reply), detail: reply.message };
      }
      if (!refundSchema.Check(reply)) {
        throw new ProviderProtocolError('Stripe answered with something that is no refund');
      }
      requireCurrency(reply.currency, currency);
      if (reply.amount !== amount) {
        throw new ProviderProtocolError('Stripe refunded another amount than was asked for');
      }
      if (reply.status === 'succeeded' || reply.status === 'pending') return { outcome: 'refunded' };
      const code = reply.failure_reason ?? reply.status ?? 'unknown';
      return { outcome: 'refused', code, detail: `The refund is ${reply.status ?? 'unknown'}` };
    },

    async verifyWebhook(rawBody, headers): Promise<WebhookEvidence> {
      return verifyStripeWebhook(stripe, rawBody, headers, {
        secret: options.webhookSecret,
        toleranceSeconds: options.webhookToleranceSeconds,
        now: options.now,
      });
    },

    listMethods: (): Promise<PaymentMethod[]> => methods.get(),
    close: () => connection.close(),
  };
}

type Intent = ReturnType<typeof readIntent>;

/** Stripe's definitive errors are returned; what may pass is thrown as {@link ProviderUnavailable}. */
async function attempt<Reply>(
  call: () => Promise<Reply>,
): Promise<Reply | InstanceType<typeof Stripe.errors.StripeError>> {
  try {
    return await call();
  } catch (error) {
    if (error instanceof Stripe.errors.StripeConnectionError) {
      const { detail } = error;
      if (detail instanceof ProviderUnavailable || detail instanceof ProviderProtocolError) {
        throw detail;
      }
      throw new ProviderUnavailable('Stripe could not be reached', { cause: error });
    }
    if (error instanceof Stripe.errors.StripeError && error.statusCode !== undefined) return error;
    throw new ProviderProtocolError('Stripe answered with something that is not its API', {
      cause: error,
    });
  }
}

function readIntent(value: unknown) {
  if (paymentIntentSchema.Check(value)) return value;
  throw new ProviderProtocolError('Stripe answered with something that is no PaymentIntent');
}

/** Stripe sends the payment along when its state forbids what was asked. */
function intentInside(error: InstanceType<typeof Stripe.errors.StripeError>): Intent | undefined {
  if (error.code !== 'payment_intent_unexpected_state') return undefined;
  return readIntent(error.payment_intent);
}

function captureOf(intent: Intent): { captureReference: string; amount: number } {
  if (intent.latest_charge === null) {
    throw new ProviderProtocolError('Stripe captured without naming the charge');
  }
  return { captureReference: intent.latest_charge, amount: intent.amount_received };
}

function requireCurrency(got: string, asked: string): void {
  if (got !== asked.toLowerCase()) {
    throw new ProviderProtocolError(`Stripe answered in ${got} where ${asked} was asked for`);
  }
}

/** A no that stands: a card error, or a request refused for what the payment is, not for how it was put. */
function isRefusal(error: InstanceType<typeof Stripe.errors.StripeError>): boolean {
  if (error instanceof Stripe.errors.StripeCardError) return true;
  if (!(error instanceof Stripe.errors.StripeInvalidRequestError)) return false;
  const { code } = error;
  return code !== undefined && code !== 'resource_missing' && !code.startsWith('parameter_');
}

function codeOf(error: InstanceType<typeof Stripe.errors.StripeError>): string {
  return error.decline_code ?? error.code ?? error.type;
}

function unexpected(error: InstanceType<typeof Stripe.errors.StripeError>): ProviderProtocolError {
  return new ProviderProtocolError(`Stripe answered ${error.statusCode}: ${error.message}`, {
    cause: error,
  });
}

function declined(code: string, detail: string): { outcome: 'declined'; code: string; detail: string } {
  return { outcome: 'declined', code, detail };
}
