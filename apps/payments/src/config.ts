/** The only reader of the environment. */
import { PostgresConfig } from '@ballast/postgres';
import { CommonConfig, loadConfig } from '@ballast/service';
import { Type, type Static } from 'typebox';

const secret = Type.String({ minLength: 1 });
const url = Type.String({ pattern: '^https?://' });

const Config = Type.Object({
  ...CommonConfig.properties,
  /** The login's search path begins with the schema `payments`. */
  ...PostgresConfig.properties,
  AMQP_URL: Type.String({ pattern: '^amqps?://' }),
  /** Prefix of exchanges and queues. */
  MESSAGING_NAMESPACE: Type.String({ default: 'ballast', pattern: '^[a-z0-9.-]+$' }),
  /** Issuer of access tokens; their keys are at `/.well-known/jwks.json` below it. */
  IDENTITY_URL: url,
  /** Stripe's own API, or the lab's stand-in for it. */
  STRIPE_API_BASE: Type.String({ default: 'https://api.stripe.com', pattern: '^https?://' }),
  STRIPE_SECRET_KEY: secret,
  STRIPE_WEBHOOK_SECRET: secret,
  /** PayPal's own API (live or sandbox), or the lab's stand-in for it. */
  PAYPAL_API_BASE: Type.String({ default: 'https://api-m.sandbox.paypal.com', pattern: '^https?://' }),
  PAYPAL_CLIENT_ID: secret,
  PAYPAL_CLIENT_SECRET: secret,
  PAYPAL_WEBHOOK_ID: secret,
  /** Hosts that PayPal's webhook certificates may come from, comma separated. */
  PAYPAL_CERT_HOSTS: Type.String({ default: 'api.paypal.com,api.sandbox.paypal.com' }),
  /** How long one call to a provider may take, in ms; well below the lease in `store/sql.ts` that covers it. */
  PROVIDER_TIMEOUT_MS: Type.Integer({ default: 4_000, minimum: 100, maximum: 6_000 }),
});
export type Config = Static<typeof Config>;

export const readConfig = (): Config => loadConfig(Config, process.env);
