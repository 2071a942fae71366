/** What catalog is told by its environment. */
import { PostgresConfig } from '@ballast/postgres';
import { CommonConfig, loadConfig } from '@ballast/service';
import { Type, type Static } from 'typebox';

const Config = Type.Object({
  ...CommonConfig.properties,
  /** The login's search path begins with the schema `catalog`. */
  ...PostgresConfig.properties,
  AMQP_URL: Type.String({ pattern: '^amqps?://' }),
  /** Prefix of exchanges and queues. */
  MESSAGING_NAMESPACE: Type.String({ default: 'ballast', pattern: '^[a-z0-9.-]+$' }),
  /** Issuer of access tokens, without a slash at the end; its keys are at `/.well-known/jwks.json` below it. */
  IDENTITY_URL: Type.String({ pattern: '^https?://[^\\s?#]*[^\\s?#/]$' }),
  /** Copies of products are shared there, and told to be old. Empty: each replica keeps its own, up to five seconds old. */
  REDIS_URL: Type.String({ default: '', pattern: '^(rediss?://.*)?$' }),
  /** How long an order's pieces are held before they go back on the shelf, in seconds. */
  RESERVATION_SECONDS: Type.Integer({ minimum: 1, maximum: 86_400, default: 600 }),
});
export type Config = Static<typeof Config>;

/** Reads the process's environment; throws a `ConfigError` that names the variable at fault. */
export function readConfig(environment: Record<string, string | undefined> = process.env): Config {
  return loadConfig(Config, environment);
}
