/** The bff's settings; the only file that reads the environment. */
import { CommonConfig, ConfigError, loadConfig } from '@ballast/service';
import { Type, type Static } from 'typebox';

const Settings = Type.Object({
  ...CommonConfig.properties,
  /** Login whose search path begins with the schema `bff`. */
  POSTGRES_URL: Type.String({ pattern: '^postgres(ql)?://' }),
  /** Base URL of identity, and the issuer its tokens must name, letter for letter. */
  IDENTITY_URL: Type.String(),
  /** Base URLs of the replicas, comma separated. */
  CATALOG_URLS: Type.String(),
  CHECKOUT_URLS: Type.String(),
  PAYMENTS_URL: Type.String(),
  /** Signs cookies and CSRF tokens and seals stored tokens. Another one ends every session. */
  SESSION_SECRET: Type.String({ minLength: 32 }),
  /** Folder with the built pages. Without it pages answer 503 and the API works. */
  STOREFRONT_DIST: Type.Optional(Type.String()),
  /** Where browsers reach the bff; cookies are `Secure` when it is https. */
  PUBLIC_URL: Type.Optional(Type.String()),
});

/** What `buildApp` needs: settings with the lists of replicas taken apart. */
export interface Config extends Static<typeof Settings> {
  identityOrigins: readonly string[];
  catalogOrigins: readonly string[];
  checkoutOrigins: readonly string[];
  paymentsOrigins: readonly string[];
  secureCookies: boolean;
}

/** Reads and checks the environment. Throws a `ConfigError` that names the variable. */
export function readConfig(environment: Record<string, string | undefined> = process.env): Config {
  const settings = loadConfig(Settings, environment);
  const [identityOrigins, catalogOrigins, checkoutOrigins, paymentsOrigins] = [
    origins('IDENTITY_URL', settings.IDENTITY_URL),
    origins('CATALOG_URLS', settings.CATALOG_URLS),
    origins('CHECKOUT_URLS', settings.CHECKOUT_URLS),
    origins('PAYMENTS_URL', settings.PAYMENTS_URL),
  ];
  if (identityOrigins.length > 1) throw new ConfigError('IDENTITY_URL: must be one URL, it is the issuer');
  if (settings.PUBLIC_URL !== undefined) origins('PUBLIC_URL', settings.PUBLIC_URL);
  return {
    ...settings,
    identityOrigins,
    catalogOrigins,
    checkoutOrigins,
    paymentsOrigins,
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
