/**
 * Who looks at the mesh and who breaks it: the auditor and the chaos controller. Both are told where everything is past all
 * links, because what mends and judges must not depend on what is broken.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { auditorRole, chaosRole, roleUrl } from '../../postgres/bootstrap.ts';
import { repositoryRoot } from './paths.ts';
import type { ServiceDefinition, TopologyContext } from './topology.ts';
import type { VaultPlan } from './vault.ts';

/** What is known once everything else is planned. URLs are direct. */
export type Observed = {
  /** The environment every service has, without its name and port. */
  common: (name: 'auditor' | 'chaos') => Record<string, string>;
  identity: string;
  bff: string;
  auditor: string;
  toxiproxy: string;
  /** Every instance of every service, by name. */
  instances: Readonly<Record<string, string>>;
  standIns: Readonly<Record<string, string>>;
  /** The provider's own ledger; absent with real providers. */
  ledger?: string;
  vault: VaultPlan | undefined;
  /** Where devices connect. */
  devicePort: number;
  operator: { email: string; password: string };
  shopper: { email: string; password: string };
};

const entries = { auditor: 'apps/auditor/src/main.ts', chaos: 'apps/chaos/src/main.ts' } as const;

/** True when it is part of this checkout. */
export function hasObserver(name: keyof typeof entries): boolean {
  return existsSync(join(repositoryRoot, entries[name]));
}

/** Those that are there. */
export function observers(
  context: TopologyContext,
  port: (name: 'auditor' | 'chaos') => number,
  observed: Observed,
): ServiceDefinition[] {
  const definition = (
    name: 'auditor' | 'chaos',
    dependsOn: readonly string[],
    environment: Record<string, string>,
  ): ServiceDefinition => ({
    name,
    kind: 'service',
    entry: entries[name],
    port: port(name),
    readyPath: '/readyz',
    dependsOn,
    environment: {
      ...observed.common(name),
      IDENTITY_URL: observed.identity,
      INSTANCES: list(observed.instances),
      ...environment,
    },
  });
  const auditor = (): ServiceDefinition =>
    definition('auditor', ['postgres', 'identity'], {
      POSTGRES_URL: roleUrl(context.partUrls.postgres, auditorRole, context.secrets.postgresRoles[auditorRole] ?? ''),
      DEVICE_PORT: String(observed.devicePort),
      KNOWN_DAMAGE_FILE: join(context.dataDirectory, 'data', 'auditor', 'known-damage.json'),
      ...(observed.ledger === undefined ? {} : { PAYMENT_LEDGER_URL: observed.ledger }),
    });
  const chaos = (): ServiceDefinition => ({
    ...definition(
      'chaos',
      ['toxiproxy', 'postgres', 'redis', 'rabbitmq', ...(observed.vault === undefined ? [] : ['vault']), 'identity'],
      {
        OPERATOR_EMAIL: observed.operator.email,
        OPERATOR_PASSWORD: observed.operator.password,
        SHOPPER_EMAIL: observed.shopper.email,
        SHOPPER_PASSWORD: observed.shopper.password,
        BFF_URL: observed.bff,
        ...(hasObserver('auditor') ? { AUDITOR_URL: observed.auditor } : {}),
        TOXIPROXY_URL: observed.toxiproxy,
        STAND_INS: list(observed.standIns),
        POSTGRES_URL: roleUrl(context.partUrls.postgres, chaosRole, context.secrets.postgresRoles[chaosRole] ?? ''),
        REDIS_URL: context.partUrls.redis,
        AMQP_URL: context.partUrls.rabbitmq,
        ...vaultAdministration(observed.vault, context.environment),
      },
    ),
    controlsBroker: true,
  });
  return [...(hasObserver('auditor') ? [auditor()] : []), ...(hasObserver('chaos') ? [chaos()] : [])];
}

/** A real Vault can be sealed by its token, but opened again only by whoever has the key. */
function vaultAdministration(vault: VaultPlan | undefined, environment: NodeJS.ProcessEnv): Record<string, string> {
  if (vault === undefined) return {};
  // The stand-in's key is its root token where it is told no other.
  const key = vault.standIn === undefined ? environment['VAULT_UNSEAL_KEY'] : vault.token;
  return {
    VAULT_ADDR: vault.address,
    VAULT_TOKEN: vault.token,
    ...(key === undefined || key === '' ? {} : { VAULT_UNSEAL_KEY: key }),
  };
}

function list(urls: Readonly<Record<string, string>>): string {
  return Object.entries(urls)
    .map(([name, url]) => `${name}=${url}`)
    .join(',');
}
