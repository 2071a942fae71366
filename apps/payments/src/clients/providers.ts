// Both providers, built from plain options: the one door to this folder.

import type { PaymentMethod, PaymentProviderName } from '@ballast/contracts';
import { createPayPal, type PayPalOptions } from './paypal.ts';
import type { PaymentProvider } from './provider.ts';
import { createStripe, type StripeOptions } from './stripe.ts';

type Common = 'timeoutMilliseconds' | 'webhookToleranceSeconds' | 'connections' | 'now';

/** What `createProviders` takes; the environment is read elsewhere. */
export type ProvidersOptions = {
  stripe: Omit<StripeOptions, Common>;
  paypal: Omit<PayPalOptions, Common>;
  /** How long any one call may take. Default 4,000. */
  timeoutMilliseconds?: number;
  /** How old a webhook may be, and how far ahead of our clock. Default 300. */
  webhookToleranceSeconds?: number;
  /** Open connections per provider at most. Default 32. */
  connections?: number;
  /** The clock webhooks and tokens are judged by, in milliseconds since 1970. Default `Date.now`. */
  now?: () => number;
};

/** The connected providers. */
export type Providers = Record<PaymentProviderName, PaymentProvider> & {
  /** What may be paid with at either; a provider that cannot say throws ProviderUnavailable. */
  listMethods: () => Promise<PaymentMethod[]>;
  close: () => Promise<void>;
};

/** Builds both clients; nothing is connected before the first call. */
export function createProviders(options: ProvidersOptions): Providers {
  const common = {
    timeoutMilliseconds: options.timeoutMilliseconds ?? 4_000,
    webhookToleranceSeconds: options.webhookToleranceSeconds ?? 300,
    connections: options.connections ?? 32,
    now: options.now ?? Date.now,
  };
  const stripe = createStripe({ ...options.stripe, ...common });
  const paypal = createPayPal({ ...options.paypal, ...common });
  return {
    stripe,
    paypal,
    async listMethods() {
      const lists = await Promise.all([stripe.listMethods(), paypal.listMethods()]);
      return lists.flat();
    },
    async close() {
      await Promise.all([stripe.close(), paypal.close()]);
    },
  };
}
