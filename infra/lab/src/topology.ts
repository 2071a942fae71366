/**
 * The whole mesh as data: every part, stand-in and service with its port, its entry file, what it waits for and what it is
 * told by its environment. Offsets are contract.md's "Ports", added to PORT_BASE.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { databaseName, loginRole, serviceUrl } from '../../postgres/bootstrap.ts';
import { localUrl } from './component.ts';
import { repositoryRoot } from './paths.ts';
import { loopback } from './ports.ts';
import type { PartName } from './parts/part.ts';
import type { PartChoice } from './parts/parts.ts';
import type { Secrets } from './secrets.ts';
import { planVault, vaultEnvironment, type VaultPlan } from './vault.ts';

/** Which services run: `light` is the commerce path only. Until others join, both are the same. */
export const profiles = ['full', 'light'] as const;

/** A value of `--profile`. */
export type Profile = (typeof profiles)[number];

/** What the topology is computed from. `partUrls` are an administrator's. */
export type TopologyContext = {
  portBase: number;
  profile: Profile;
  /** How parts are had. */
  parts: PartChoice;
  dataDirectory: string;
  secrets: Secrets;
  partUrls: Record<PartName, string>;
  /** The user's environment: real payment keys and the log level come from there. */
  environment: NodeJS.ProcessEnv;
};

/**
 * One process of ours. `dependsOn` names parts, stand-ins, services, `storefront` (the build of the pages) or `vault` (which
 * is ready when it is prepared); names that are not part of the mesh are not waited for.
 */
export type ServiceDefinition = {
  name: string;
  kind: 'service' | 'stand-in';
  /** File to run, from the root of the checkout. */
  entry: string;
  port: number;
  /** Answers 200 when it can do its work. */
  readyPath: string;
  dependsOn: readonly string[];
  environment: Record<string, string>;
};

/** The mesh as it is to be run. */
export type Topology = {
  services: readonly ServiceDefinition[];
  /** Started and prepared when a service depends on `vault`. */
  vault?: VaultPlan;
  /** What a person may open. */
  urls: Record<string, string>;
  /** Sentences naming each stand-in in use. */
  standIns: readonly string[];
};

/** Ports of the parts, as offsets. RabbitMQ takes the two after its own as well. */
export const partOffsets: Record<PartName, number> = { postgres: 432, redis: 379, rabbitmq: 672 };

const offsets = {
  bff: 0,
  identity: 1,
  'catalog-1': 2,
  'catalog-2': 12,
  claims: 3,
  payments: 4,
  'checkout-1': 5,
  'checkout-2': 15,
  'payment-provider': 10,
} as const;

/** Joins the mesh when it is there. */
const claimsEntry = 'apps/claims/src/main.ts';

/** Accounts the seed makes in a lab (contract.md). */
export const demoAccounts: readonly { email: string; password: string }[] = [
  { email: 'demo@ballast.test', password: 'ballast-demo' },
  { email: 'operator@ballast.test', password: 'ballast-operator' },
];

/** The mesh of this checkout. */
export function ballastTopology(context: TopologyContext): Topology {
  const { portBase, secrets, partUrls, environment } = context;
  const port = (name: keyof typeof offsets): number => portBase + offsets[name];
  const url = (name: keyof typeof offsets): string => localUrl(port(name));
  const payment = paymentProviders(context, url('payment-provider'));
  const catalogs = [url('catalog-1'), url('catalog-2')].join(',');
  const database = new URL(partUrls.postgres);
  database.pathname = `/${databaseName}`;
  const vault = planVault(context, database.href);
  const checkouts = [url('checkout-1'), url('checkout-2')].join(',');

  const common = (name: keyof typeof offsets): Record<string, string> => ({
    HOST: loopback,
    PORT: String(port(name)),
    INSTANCE: name,
    LOG_LEVEL: environment['LOG_LEVEL'] ?? 'info',
    LAB_MODE: '1',
  });
  const service = (
    name: keyof typeof offsets,
    app: string,
    more: Record<string, string>,
    dependsOn: readonly string[] = [],
  ): ServiceDefinition => ({
    name,
    kind: 'service',
    entry: `apps/${app}/src/main.ts`,
    port: port(name),
    readyPath: '/readyz',
    dependsOn: [
      'postgres',
      ...(vault?.leased.includes(app) === true ? ['vault'] : []),
      // Identity sends no messages: it is there first, while the broker starts, and the others find its keys and the list of
      // revoked tokens at once.
      ...(app === 'identity' ? [] : ['rabbitmq', 'identity']),
      ...dependsOn,
    ],
    environment: {
      ...common(name),
      POSTGRES_URL: serviceUrl(partUrls.postgres, app, secrets.postgresRoles[loginRole(app)] ?? ''),
      AMQP_URL: partUrls.rabbitmq,
      IDENTITY_URL: url('identity'),
      ...vaultEnvironment(vault, app),
      ...more,
    },
  });
  const catalog = (name: 'catalog-1' | 'catalog-2'): ServiceDefinition =>
    service(name, 'catalog', { REDIS_URL: partUrls.redis }, ['redis']);
  const checkout = (name: 'checkout-1' | 'checkout-2'): ServiceDefinition =>
    service(name, 'checkout', { REDIS_URL: partUrls.redis, CATALOG_URLS: catalogs }, ['redis']);

  const standIn: ServiceDefinition = {
    name: 'payment-provider',
    kind: 'stand-in',
    entry: 'infra/stand-ins/payment-provider/src/main.ts',
    port: port('payment-provider'),
    readyPath: '/healthz',
    dependsOn: [],
    environment: {
      ...common('payment-provider'),
      DATA_DIR: join(context.dataDirectory, 'data', 'payment-provider'),
      STRIPE_SECRET_KEY: secrets.stripeSecretKey,
      STRIPE_WEBHOOK_SECRET: secrets.stripeWebhookSecret,
      STRIPE_WEBHOOK_URL: `${url('bff')}/webhooks/stripe`,
      PAYPAL_CLIENT_ID: secrets.paypalClientId,
      PAYPAL_CLIENT_SECRET: secrets.paypalClientSecret,
      PAYPAL_WEBHOOK_ID: secrets.paypalWebhookId,
      PAYPAL_WEBHOOK_URL: `${url('bff')}/webhooks/paypal`,
    },
  };

  return {
    services: [
      ...(payment.standIns.length === 0 ? [] : [standIn]),
      service('identity', 'identity', { KEY_ENCRYPTION_SECRET: secrets.keyEncryption }),
      catalog('catalog-1'),
      catalog('catalog-2'),
      ...(existsSync(join(repositoryRoot, claimsEntry))
        ? [service('claims', 'claims', { CHECKOUT_URLS: checkouts })]
        : []),
      service('payments', 'payments', payment.environment, payment.standIns.length === 0 ? [] : ['payment-provider']),
      checkout('checkout-1'),
      checkout('checkout-2'),
      service(
        'bff',
        'bff',
        {
          CATALOG_URLS: catalogs,
          CHECKOUT_URLS: checkouts,
          PAYMENTS_URL: url('payments'),
          CLAIMS_URL: url('claims'),
          REDIS_URL: partUrls.redis,
          SESSION_SECRET: secrets.session,
          STOREFRONT_DIST: join(repositoryRoot, 'apps/storefront/dist'),
        },
        ['redis', 'storefront', 'catalog-1', 'catalog-2', 'claims', 'payments', 'checkout-1', 'checkout-2'],
      ),
    ],
    urls: {
      shop: url('bff'),
      'lab (patterns to drive)': `${url('bff')}/lab`,
      ...(payment.standIns.length === 0 ? {} : { 'payment ledger (stand-in)': `${url('payment-provider')}/ledger` }),
    },
    standIns: [...payment.standIns, ...(vault?.standIn === undefined ? [] : [`Vault: stand-in at ${vault.address}`])],
    ...(vault === undefined ? {} : { vault }),
  };
}

/** Real keys in the user's environment reach the real provider; whatever has none is the stand-in's. */
function paymentProviders(
  { environment, secrets, portBase }: TopologyContext,
  standIn: string,
): { environment: Record<string, string>; standIns: string[] } {
  const given = (name: string): string | undefined => environment[name] || undefined;
  const realStripe = given('STRIPE_SECRET_KEY') !== undefined;
  const realPaypal = given('PAYPAL_CLIENT_ID') !== undefined && given('PAYPAL_CLIENT_SECRET') !== undefined;
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
        : `${loopback}:${portBase + offsets['payment-provider']}`,
    },
    standIns: [
      ...(realStripe ? [] : [`Stripe: payment provider stand-in at ${standIn}`]),
      ...(realPaypal ? [] : [`PayPal: payment provider stand-in at ${standIn}`]),
    ],
  };
}
