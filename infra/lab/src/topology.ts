/**
 * The whole mesh as data: every part, stand-in and service with its port, its entry file, what it waits for and what it is
 * told by its environment. Offsets are contract.md's "Ports", added to PORT_BASE.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { databaseName, loginRole, schemaOwners, serviceUrl } from '../../postgres/bootstrap.ts';
import { localUrl } from './component.ts';
import { type Link, Links, proxiesFile, toxiproxyOffset } from './links.ts';
import { type MetricsPlan, metricsPage, pageOf, planMetrics } from './metrics-server.ts';
import { hasObserver, observers } from './observers.ts';
import { repositoryRoot } from './paths.ts';
import { planPayment } from './payment.ts';
import { loopback } from './ports.ts';
import type { PartName } from './parts/part.ts';
import type { PartChoice } from './parts/parts.ts';
import type { Secrets } from './secrets.ts';
import { planVault, vaultEnvironment, type VaultPlan } from './vault.ts';

/**
 * What runs. `full`: everything, with a link that can be broken on every line. `light`: the commerce path only, every service
 * connected directly, and nobody who audits or breaks it.
 */
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
  /** Other ports it listens on. */
  morePorts?: readonly number[];
  /** Written before every start, by path. */
  files?: Readonly<Record<string, string>>;
  /** It is told how to run the broker's own control program (BROKER_CONTROL), where there is one. */
  controlsBroker?: boolean;
};

/** The mesh as it is to be run. */
export type Topology = {
  services: readonly ServiceDefinition[];
  /** Started and prepared when a service depends on `vault`. */
  vault?: VaultPlan;
  /** Whose Prometheus looks on; absent in the light profile. Nobody waits for it. */
  metrics?: MetricsPlan;
  /** The lines between processes and parts, each with a proxy of its own; none in the light profile. */
  links?: readonly Link[];
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
  analytics: 6,
  'tcp-gateway': 11,
  'payment-provider': 10,
  auditor: 20,
  chaos: 21,
  toxiproxy: toxiproxyOffset,
} as const;

type ProcessName = keyof typeof offsets;

/** Where devices connect, as an offset. */
const devicesOffset = 88;

/** Joins the mesh when it is there. */
const claimsEntry = 'apps/claims/src/main.ts';

const shopper = { email: 'demo@ballast.test', password: 'ballast-demo' };
const operator = { email: 'operator@ballast.test', password: 'ballast-operator' };

/** Accounts the seed makes in a lab (contract.md). */
export const demoAccounts: readonly { email: string; password: string }[] = [shopper, operator];

/** The mesh of this checkout. */
export function ballastTopology(context: TopologyContext): Topology {
  const { portBase, secrets, partUrls, environment } = context;
  const full = context.profile === 'full';
  const links = new Links(portBase, full);
  const port = (name: ProcessName): number => portBase + offsets[name];
  const url = (name: ProcessName): string => localUrl(port(name));
  /** Where `from` reaches each of `names`, comma separated. */
  const reach = (from: ProcessName, ...names: ProcessName[]): string =>
    names.map((name) => links.url(from, name, url(name))).join(',');
  const database = new URL(partUrls.postgres);
  database.pathname = `/${databaseName}`;
  const vault = planVault(context, database.href);
  const metrics = full ? planMetrics(context) : undefined;

  const common = (name: ProcessName): Record<string, string> => ({
    HOST: loopback,
    PORT: String(port(name)),
    INSTANCE: name,
    LOG_LEVEL: environment['LOG_LEVEL'] ?? 'info',
    LAB_MODE: '1',
  });
  const login = (name: ProcessName, app: string): Record<string, string> => {
    if (!ownsSchema(app)) return {};
    const direct = serviceUrl(partUrls.postgres, app, secrets.postgresRoles[loginRole(app)] ?? '');
    return { POSTGRES_URL: links.url(name, 'postgres', direct) };
  };
  const service = (
    name: ProcessName,
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
      ...(full ? ['toxiproxy'] : []),
      ...(ownsSchema(app) ? ['postgres'] : []),
      ...(vault?.leased.includes(app) === true ? ['vault'] : []),
      // Identity sends no messages: it is there first, while the broker starts, and the others find its keys and the list of
      // revoked tokens at once.
      ...(app === 'identity' ? [] : ['rabbitmq', 'identity']),
      ...dependsOn,
    ],
    environment: {
      ...common(name),
      ...login(name, app),
      // Names the issuer of every token and stays the same for all; where identity is reached is said beside it.
      IDENTITY_URL: url('identity'),
      ...(full && app !== 'identity' ? { IDENTITY_ADDRESS: reach(name, 'identity') } : {}),
      ...vaultEnvironment(vault, app, (address) => links.url(name, 'vault', address)),
      ...more,
    },
  });
  const redis = (name: ProcessName): Record<string, string> => ({
    REDIS_URL: links.url(name, 'redis', partUrls.redis),
  });
  const broker = (name: ProcessName): Record<string, string> => ({
    AMQP_URL: links.url(name, 'rabbitmq', partUrls.rabbitmq),
  });
  const catalog = (name: 'catalog-1' | 'catalog-2'): ServiceDefinition =>
    service(name, 'catalog', { ...redis(name), ...broker(name) }, ['redis']);
  const checkout = (name: 'checkout-1' | 'checkout-2'): ServiceDefinition =>
    service(
      name,
      'checkout',
      { ...redis(name), ...broker(name), CATALOG_URLS: reach(name, 'catalog-1', 'catalog-2') },
      ['redis'],
    );
  const devicePath = (): ServiceDefinition[] => [
    service('analytics', 'analytics', broker('analytics')),
    {
      ...service(
        'tcp-gateway',
        'tcp-gateway',
        {
          ...broker('tcp-gateway'),
          TCP_PORT: String(portBase + devicesOffset),
          // All devices of a lab come from this machine.
          MAX_CONNECTIONS_PER_ADDRESS: '25000',
        },
        // Needs it for nothing; but then somebody listens to its first report, and no start warns that nobody does.
        ['analytics'],
      ),
      morePorts: [portBase + devicesOffset],
    },
  ];
  const payment = planPayment(context, links, { standIn: url('payment-provider'), bff: url('bff') });
  const hasProvider = payment.standInEnvironment !== undefined;

  const services = [
    service('identity', 'identity', { KEY_ENCRYPTION_SECRET: secrets.keyEncryption }),
    catalog('catalog-1'),
    catalog('catalog-2'),
    ...(existsSync(join(repositoryRoot, claimsEntry))
      ? [
          service('claims', 'claims', {
            ...broker('claims'),
            CHECKOUT_URLS: reach('claims', 'checkout-1', 'checkout-2'),
          }),
        ]
      : []),
    service(
      'payments',
      'payments',
      { ...broker('payments'), ...payment.environment },
      hasProvider ? ['payment-provider'] : [],
    ),
    checkout('checkout-1'),
    checkout('checkout-2'),
    service(
      'bff',
      'bff',
      {
        ...redis('bff'),
        CATALOG_URLS: reach('bff', 'catalog-1', 'catalog-2'),
        CHECKOUT_URLS: reach('bff', 'checkout-1', 'checkout-2'),
        PAYMENTS_URL: reach('bff', 'payments'),
        CLAIMS_URL: reach('bff', 'claims'),
        SESSION_SECRET: secrets.session,
        STOREFRONT_DIST: join(repositoryRoot, 'apps/storefront/dist'),
        ...(full && hasObserver('chaos') ? { CHAOS_URL: url('chaos') } : {}),
        ...(metrics === undefined ? {} : { PROMETHEUS_URL: metrics.url }),
      },
      ['redis', 'storefront', 'catalog-1', 'catalog-2', 'claims', 'payments', 'checkout-1', 'checkout-2'],
    ),
    ...(full ? devicePath() : []),
  ];

  const standIns: ServiceDefinition[] = [];
  if (full) standIns.push(toxiproxy(context, links, port('toxiproxy')));
  if (payment.standInEnvironment !== undefined) {
    standIns.push({
      name: 'payment-provider',
      kind: 'stand-in',
      entry: 'infra/stand-ins/payment-provider/src/main.ts',
      port: port('payment-provider'),
      readyPath: '/healthz',
      dependsOn: full ? ['toxiproxy'] : [],
      environment: { ...common('payment-provider'), ...payment.standInEnvironment },
    });
  }
  const watching = full
    ? observers(context, port, {
        common,
        identity: url('identity'),
        bff: url('bff'),
        auditor: url('auditor'),
        toxiproxy: url('toxiproxy'),
        instances: Object.fromEntries(services.map((each) => [each.name, localUrl(each.port)])),
        standIns: {
          ...(hasProvider ? { 'payment-provider': url('payment-provider') } : {}),
          ...(vault?.standIn === undefined ? {} : { vault: vault.address }),
        },
        ...(hasProvider ? { ledger: `${url('payment-provider')}/ledger` } : {}),
        vault,
        devicePort: portBase + devicesOffset,
        operator,
        shopper,
      })
    : [];

  return {
    services: [...standIns, ...services, ...watching],
    urls: {
      shop: url('bff'),
      'lab (patterns to drive)': `${url('bff')}/lab`,
      ...(full && hasObserver('chaos') ? { 'chaos (break it, live)': `${url('bff')}/chaos` } : {}),
      ...(hasProvider ? { 'payment ledger (stand-in)': `${url('payment-provider')}/ledger` } : {}),
      ...(full ? { 'devices (TCP)': `tcp://${loopback}:${portBase + devicesOffset}` } : {}),
      ...(metrics === undefined
        ? {}
        : { 'metrics (panels)': `${url('bff')}/metrics-view`, [metricsPage]: pageOf(metrics) }),
    },
    standIns: [
      ...payment.standIns,
      ...(vault?.standIn === undefined ? [] : [`Vault: stand-in at ${vault.address}`]),
      ...(full ? [`Link faults: Toxiproxy stand-in at ${url('toxiproxy')}`] : []),
    ],
    links: links.all(),
    ...(vault === undefined ? {} : { vault }),
    ...(metrics === undefined ? {} : { metrics }),
  };
}

function ownsSchema(app: string): boolean {
  return schemaOwners.some((owner) => owner === app);
}

/** First of all to start: everybody's lines lead through it. */
function toxiproxy(context: TopologyContext, links: Links, port: number): ServiceDefinition {
  const file = join(context.dataDirectory, 'links.json');
  return {
    name: 'toxiproxy',
    kind: 'stand-in',
    entry: 'infra/stand-ins/toxiproxy/src/main.ts',
    port,
    morePorts: links.all().map((link) => link.port),
    readyPath: '/version',
    dependsOn: [],
    files: { [file]: proxiesFile(links.all()) },
    environment: {
      HOST: loopback,
      PORT: String(port),
      LOG_LEVEL: context.environment['LOG_LEVEL'] ?? 'info',
      TOXIPROXY_CONFIG: file,
    },
  };
}
