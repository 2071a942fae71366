// What may be paid with: asked from the stand-in, or the real products' own test names.

import { PaymentMethods, type PaymentMethod, type PaymentProviderName } from '@ballast/contracts';
import { Compile } from 'typebox/compile';
import type { Connection } from './connection.ts';
import { ProviderProtocolError, ProviderUnavailable } from './provider.ts';

const schema = Compile(PaymentMethods);
const FRESH_MILLISECONDS = 60_000;

/** One provider's methods; the stand-in is asked at most once a minute, and by one caller at a time. */
export class MethodList {
  readonly #connection: Connection;
  readonly #provider: PaymentProviderName;
  readonly #fixed: PaymentMethod[] | undefined;
  readonly #options: { timeoutMilliseconds: number; now: () => number };
  #known: PaymentMethod[] = [];
  #knownUntil = 0;
  #asking: Promise<PaymentMethod[]> | undefined;

  /** `fixed` is the list to give for the real product; undefined means that this is the stand-in. */
  constructor(
    connection: Connection,
    provider: PaymentProviderName,
    fixed: PaymentMethod[] | undefined,
    options: { timeoutMilliseconds: number; now: () => number },
  ) {
    this.#connection = connection;
    this.#provider = provider;
    this.#fixed = fixed;
    this.#options = options;
  }

  /** The list. Throws {@link ProviderUnavailable} or {@link ProviderProtocolError}. */
  async get(): Promise<PaymentMethod[]> {
    if (this.#fixed !== undefined) return this.#fixed;
    if (this.#options.now() < this.#knownUntil) return this.#known;
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = undefined;
    });
    return this.#asking;
  }

  async #ask(): Promise<PaymentMethod[]> {
    const reply = await this.#connection.send({
      method: 'GET',
      path: '/methods',
      headers: { accept: 'application/json' },
      timeout: this.#options.timeoutMilliseconds,
    });
    if (reply.status !== 200) {
      throw new ProviderUnavailable(`The stand-in answered ${reply.status} to /methods`);
    }
    const list = parse(reply.body);
    this.#known = list.filter((method) => method.provider === this.#provider);
    this.#knownUntil = this.#options.now() + FRESH_MILLISECONDS;
    return this.#known;
  }
}

/** Stripe's test methods (docs.stripe.com/testing). A live key has no list of names to offer. */
export function stripeTestMethods(secretKey: string): PaymentMethod[] {
  if (!/^(sk|rk)_test_/.test(secretKey)) return [];
  return [
    stripe('pm_card_visa', 'Visa', 'accepted'),
    stripe('pm_card_mastercard', 'Mastercard', 'accepted'),
    stripe('pm_card_amex', 'American Express', 'accepted'),
    stripe('pm_card_chargeDeclined', 'Declined card', 'declined'),
    stripe('pm_card_chargeDeclinedInsufficientFunds', 'Card with insufficient funds', 'declined'),
    stripe('pm_card_chargeDeclinedExpiredCard', 'Expired card', 'declined'),
  ];
}

/**
 * The real PayPal's: one vaulted payer, whom sandbox can be asked to decline. Without a payer there is
 * nothing to offer.
 */
export function payPalMethods(vaultId: string | undefined, sandbox: boolean): PaymentMethod[] {
  if (vaultId === undefined) return [];
  const approve = paypal(PAYPAL_APPROVE, sandbox ? 'PayPal, approved' : 'PayPal', 'accepted');
  return sandbox ? [approve, paypal(PAYPAL_DECLINE, 'PayPal, declined', 'declined')] : [approve];
}

/** Our name for paying by PayPal. */
const PAYPAL_APPROVE = 'paypal_approve';
/** Our name for a PayPal payment that sandbox is asked to decline. */
export const PAYPAL_DECLINE = 'paypal_decline';

function stripe(method: string, label: string, outcome: string): PaymentMethod {
  return { provider: 'stripe', method, label, outcome };
}

function paypal(method: string, label: string, outcome: string): PaymentMethod {
  return { provider: 'paypal', method, label, outcome };
}

function parse(text: string): PaymentMethod[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new ProviderProtocolError('The list of methods is not JSON', { cause: error });
  }
  if (schema.Check(value)) return value;
  throw new ProviderProtocolError('The list of methods has another shape than agreed');
}
