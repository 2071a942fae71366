/** What analytics is told by its environment. */
import { PostgresConfig } from '@ballast/postgres';
import { CommonConfig, loadConfig } from '@ballast/service';
import { Type, type Static } from 'typebox';

const Config = Type.Object({
  ...CommonConfig.properties,
  /** The login's search path begins with the schema `analytics`. */
  ...PostgresConfig.properties,
  AMQP_URL: Type.String({ pattern: '^amqps?://' }),
  /** Prefix of exchanges and queues. */
  MESSAGING_NAMESPACE: Type.String({ default: 'ballast', pattern: '^[a-z0-9.-]+$' }),
  /** Issuer of access tokens, without a slash at the end; its keys are at `/.well-known/jwks.json` below it. */
  IDENTITY_URL: Type.String({ pattern: '^https?://[^\\s?#]*[^\\s?#/]$' }),
  /** How long the audit trail and the latest telemetry of a device are kept, in days. */
  RETENTION_DAYS: Type.Integer({ minimum: 1, maximum: 3_650, default: 30 }),
});
export type Config = Static<typeof Config>;

/** Reads the process's environment; throws a `ConfigError` that names the variable at fault. */
export function readConfig(environment: Record<string, string | undefined> = process.env): Config {
  return loadConfig(Config, environment);
}
