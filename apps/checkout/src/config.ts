/** The only reader of the environment. */
import { PostgresConfig } from '@ballast/postgres';
import { CommonConfig, loadConfig } from '@ballast/service';
import { Type, type Static } from 'typebox';

const Config = Type.Object({
  ...CommonConfig.properties,
  /** The login's search path begins with the schema `checkout`. */
  ...PostgresConfig.properties,
  AMQP_URL: Type.String({ pattern: '^amqps?://' }),
  REDIS_URL: Type.String({ pattern: '^rediss?://' }),
  /** Prefix of exchanges and queues. */
  MESSAGING_NAMESPACE: Type.String({ default: 'ballast', pattern: '^[a-z0-9.-]+$' }),
  /** Issuer of access tokens; their keys are at `/.well-known/jwks.json` below it. */
  IDENTITY_URL: Type.String({ pattern: '^https?://' }),
  /** Catalog replicas, comma separated. */
  CATALOG_URLS: Type.String({ pattern: '^https?://' }),
});
export type Config = Static<typeof Config>;

export const readConfig = (): Config => loadConfig(Config, process.env);
