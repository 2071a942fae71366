/** What claims is told by its environment. */
import { PostgresConfig } from '@ballast/postgres';
import { CommonConfig, loadConfig } from '@ballast/service';
import { Type, type Static } from 'typebox';

const Config = Type.Object({
  ...CommonConfig.properties,
  /** The login's search path begins with the schema `claims`. */
  ...PostgresConfig.properties,
  AMQP_URL: Type.String({ pattern: '^amqps?://' }),
  /** Prefix of exchanges and queues. */
  MESSAGING_NAMESPACE: Type.String({ default: 'ballast', pattern: '^[a-z0-9.-]+$' }),
  /** Issuer of access tokens, without a slash at the end; its keys are at `/.well-known/jwks.json` below it. */
  IDENTITY_URL: Type.String({ pattern: '^https?://[^\\s?#]*[^\\s?#/]$' }),
  /** Checkout replicas, comma separated, without slashes at the end. */
  CHECKOUT_URLS: Type.String({ pattern: '^https?://[^\\s,/]+(,https?://[^\\s,/]+)*$' }),
});
export type Config = Static<typeof Config>;

/** Reads the process's environment; throws a `ConfigError` that names the variable at fault. */
export function readConfig(environment: Record<string, string | undefined> = process.env): Config {
  return loadConfig(Config, environment);
}
