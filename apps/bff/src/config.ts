/** The bff's settings; the only file that reads the environment. */
import type { Limit } from '@ballast/resilience';
import { PostgresConfig } from '@ballast/postgres';
import { CommonConfig, ConfigError, loadConfig } from '@ballast/service';
import { Type, type Static } from 'typebox';
import type { BucketName } from './limits/rate-limit.ts';

const burst = (tokens: number) => Type.Integer({ minimum: 1, maximum: 1_000_000, default: tokens });
const perSecond = (tokens: number) => Type.Number({ minimum: 0.001, maximum: 1_000_000, default: tokens });

const Settings = Type.Object({
  ...CommonConfig.properties,
  /** The login's search path begins with the schema `bff`. */
  ...PostgresConfig.properties,
  /** Base URL of identity, and the issuer its tokens must name, letter for letter. */
  IDENTITY_URL: Type.String(),
  /** Base URLs of the replicas, comma separated. */
  CATALOG_URLS: Type.String(),
  CHECKOUT_URLS: Type.String(),
  PAYMENTS_URL: Type.String(),
  CLAIMS_URL: Type.String(),
  /** The chaos controller, lab only. Without it `/api/chaos` and `/api/live` do not exist. */
  CHAOS_URL: Type.Optional(Type.String()),
  /** Base URL of the Prometheus that scrapes the mesh, with name and password where it asks for them. Without it `/api/metrics/panels/:id` answers 503. */
  PROMETHEUS_URL: Type.Optional(Type.String()),
  /** Signs cookies and CSRF tokens and seals stored tokens. Another one ends every session. */
  SESSION_SECRET: Type.String({ minLength: 32 }),
  /** Folder with the built pages. Without it pages answer 503 and the API works. */
  STOREFRONT_DIST: Type.Optional(Type.String()),
  /** Where browsers reach the bff; cookies are `Secure` when it is https. */
  PUBLIC_URL: Type.Optional(Type.String()),
  /** Where replicas share the buckets of the rate limit. Without it each replica has its own. */
  REDIS_URL: Type.Optional(Type.String({ pattern: '^rediss?://' })),
  /** Tokens a bucket holds, and tokens that come back a second: of a session or address, */
  RATE_LIMIT_BURST: burst(300),
  RATE_LIMIT_PER_SECOND: perSecond(100),
  /** for what costs much (lab races), */
  EXPENSIVE_BURST: burst(10),
  EXPENSIVE_PER_SECOND: perSecond(0.5),
  /** for signing in and registering, by address, */
  CREDENTIALS_BURST: burst(60),
  CREDENTIALS_PER_SECOND: perSecond(1),
  /** and for webhooks, by address. */
  WEBHOOKS_BURST: burst(5_000),
  WEBHOOKS_PER_SECOND: perSecond(2_000),
});

/** What `buildApp` needs: settings with the lists of replicas taken apart. */
export interface Config extends Static<typeof Settings> {
  identityOrigins: readonly string[];
  catalogOrigins: readonly string[];
  checkoutOrigins: readonly string[];
  paymentsOrigins: readonly string[];
  claimsOrigins: readonly string[];
  prometheus: URL | null;
  secureCookies: boolean;
  limits: Record<BucketName, Limit>;
}

/** Reads and checks the environment. Throws a `ConfigError` that names the variable. */
export function readConfig(environment: Record<string, string | undefined> = process.env): Config {
  const settings = loadConfig(Settings, environment);
  const [identityOrigins, catalogOrigins, checkoutOrigins, paymentsOrigins, claimsOrigins] = [
    settings.IDENTITY_ADDRESS === undefined
      ? origins('IDENTITY_URL', settings.IDENTITY_URL)
      : origins('IDENTITY_ADDRESS', settings.IDENTITY_ADDRESS),
    origins('CATALOG_URLS', settings.CATALOG_URLS),
    origins('CHECKOUT_URLS', settings.CHECKOUT_URLS),
    origins('PAYMENTS_URL', settings.PAYMENTS_URL),
    origins('CLAIMS_URL', settings.CLAIMS_URL),
  ];
  if (origins('IDENTITY_URL', settings.IDENTITY_URL).length > 1) {
    throw new ConfigError('IDENTITY_URL: must be one URL, it is the issuer');
  }
  if (settings.CHAOS_URL !== undefined) origins('CHAOS_URL', settings.CHAOS_URL);
  if (settings.PUBLIC_URL !== undefined) origins('PUBLIC_URL', settings.PUBLIC_URL);
  return {
    ...settings,
    identityOrigins,
    catalogOrigins,
    checkoutOrigins,
    paymentsOrigins,
    claimsOrigins,
    prometheus: settings.PROMETHEUS_URL === undefined ? null : base('PROMETHEUS_URL', settings.PROMETHEUS_URL),
    limits: {
      default: { burst: settings.RATE_LIMIT_BURST, perSecond: settings.RATE_LIMIT_PER_SECOND },
      expensive: { burst: settings.EXPENSIVE_BURST, perSecond: settings.EXPENSIVE_PER_SECOND },
      credentials: { burst: settings.CREDENTIALS_BURST, perSecond: settings.CREDENTIALS_PER_SECOND },
      webhooks: { burst: settings.WEBHOOKS_BURST, perSecond: settings.WEBHOOKS_PER_SECOND },
    },
    secureCookies: settings.PUBLIC_URL?.startsWith('https:') ?? false,
  };
}

function origins(name: string, text: string): string[] {
  return text.split(',').map((part) => {
    const url = URL.parse(part.trim());
    if (url === null || !['http:', 'https:'].includes(url.protocol) || url.pathname !== '/' || url.search !== '') {
      throw new ConfigError(`${name}: must be http or https URLs without a path`);
    }
    return url.origin;
  });
}

/** Unlike a service of ours, a product may be served below a path. */
function base(name: string, text: string): URL {
  const url = URL.parse(text);
  const isPlain = url !== null && `${url.search}${url.hash}` === '';
  if (!isPlain || !['http:', 'https:'].includes(url.protocol)) {
    throw new ConfigError(`${name}: must be an http or https URL without a query`);
  }
  return url;
}
