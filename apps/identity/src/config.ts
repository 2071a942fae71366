/** What identity is told by its environment. */
import { PostgresConfig } from '@ballast/postgres';
import { CommonConfig, loadConfig } from '@ballast/service';
import { Type, type Static } from 'typebox';

const Config = Type.Object({
  ...CommonConfig.properties,
  /** The login's search path begins with the schema `identity`. */
  ...PostgresConfig.properties,
  /** Public base URL of this service, without a slash at the end; the issuer (`iss`) of every token. */
  IDENTITY_URL: Type.String({ pattern: '^https?://[^\\s?#]*[^\\s?#/]$' }),
  /** Seals the private signing keys in the database. Every replica needs the same one, for ever. */
  KEY_ENCRYPTION_SECRET: Type.String({ minLength: 32, maxLength: 1024 }),
  /** Lifetime of an access token, in seconds. */
  ACCESS_TOKEN_SECONDS: Type.Integer({ minimum: 1, maximum: 86_400, default: 900 }),
  /** Lifetime of a refresh token, in seconds. */
  REFRESH_TOKEN_SECONDS: Type.Integer({ minimum: 1, maximum: 31_536_000, default: 604_800 }),
});
export type Config = Static<typeof Config>;

/** Reads the process's environment; throws a `ConfigError` that names the variable at fault. */
export function readConfig(environment: Record<string, string | undefined> = process.env): Config {
  return loadConfig(Config, environment);
}
