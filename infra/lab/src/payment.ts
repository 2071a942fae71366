/** The payment providers in the lab: whose they are (real ones, or the stand-in) and what each side is told. */
import { join } from 'node:path';
import type { Links } from './links.ts';
import type { TopologyContext } from './topology.ts';

/** What a mesh does about payments. */
export type PaymentPlan = {
  /** For the service `payments`. */
  environment: Record<string, string>;
  /** For the stand-in; absent where both providers are real ones. */
  standInEnvironment?: Record<string, string>;
  /** Sentences naming what is stood in for. */
  standIns: string[];
};

/** Real keys in the user's environment reach the real provider; whatever has none is the stand-in's. */
export function planPayment(context: TopologyContext, links: Links, at: { standIn: string; bff: string }): PaymentPlan {
  const { environment, secrets } = context;
  const given = (name: string): string | undefined => environment[name] || undefined;
  const realStripe = given('STRIPE_SECRET_KEY') !== undefined;
  const realPaypal = given('PAYPAL_CLIENT_ID') !== undefined && given('PAYPAL_CLIENT_SECRET') !== undefined;
  const anyStandIn = !realStripe || !realPaypal;
  const standIn = anyStandIn ? links.url('payments', 'payment-provider', at.standIn) : '';
  const webhooks = anyStandIn ? links.url('payment-provider', 'bff', at.bff) : '';
  return {
    environment: {
      STRIPE_API_BASE: realStripe ? (given('STRIPE_API_BASE') ?? 'https://api.stripe.com') : standIn,
      STRIPE_SECRET_KEY: (realStripe ? given('STRIPE_SECRET_KEY') : undefined) ?? secrets.stripeSecretKey,
      STRIPE_WEBHOOK_SECRET: (realStripe ? given('STRIPE_WEBHOOK_SECRET') : undefined) ?? secrets.stripeWebhookSecret,
      PAYPAL_API_BASE: realPaypal ? (given('PAYPAL_API_BASE') ?? 'https://api-m.sandbox.paypal.com') : standIn,
      PAYPAL_CLIENT_ID: (realPaypal ? given('PAYPAL_CLIENT_ID') : undefined) ?? secrets.paypalClientId,
      PAYPAL_CLIENT_SECRET: (realPaypal ? given('PAYPAL_CLIENT_SECRET') : undefined) ?? secrets.paypalClientSecret,
      PAYPAL_WEBHOOK_ID: (realPaypal ? given('PAYPAL_WEBHOOK_ID') : undefined) ?? secrets.paypalWebhookId,
      PAYPAL_CERT_HOSTS: realPaypal
        ? (given('PAYPAL_CERT_HOSTS') ?? 'api.paypal.com:443,api.sandbox.paypal.com:443')
        : new URL(standIn).host,
    },
    ...(anyStandIn
      ? {
          standInEnvironment: {
            DATA_DIR: join(context.dataDirectory, 'data', 'payment-provider'),
            // Webhooks name where their certificate is had, and payments must be able to get there.
            PUBLIC_URL: standIn,
            STRIPE_SECRET_KEY: secrets.stripeSecretKey,
            STRIPE_WEBHOOK_SECRET: secrets.stripeWebhookSecret,
            STRIPE_WEBHOOK_URL: `${webhooks}/webhooks/stripe`,
            PAYPAL_CLIENT_ID: secrets.paypalClientId,
            PAYPAL_CLIENT_SECRET: secrets.paypalClientSecret,
            PAYPAL_WEBHOOK_ID: secrets.paypalWebhookId,
            PAYPAL_WEBHOOK_URL: `${webhooks}/webhooks/paypal`,
          },
        }
      : {}),
    standIns: [
      ...(realStripe ? [] : [`Stripe: payment provider stand-in at ${at.standIn}`]),
      ...(realPaypal ? [] : [`PayPal: payment provider stand-in at ${at.standIn}`]),
    ],
  };
}
