/** Compose runs the same mesh as the lab: the same processes, told the same things, over the same links. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { auditorRole, chaosRole, loginRole, schemaOwners, vaultAdministrator } from '../../postgres/bootstrap.ts';
import { ballastTopology, prometheusConfiguration, type Topology } from '../src/index.ts';
import { targetsOf } from '../src/metrics-server.ts';
import { repositoryRoot } from '../src/paths.ts';
import { labPartUrls } from '../src/parts/part.ts';
import { loadSecrets } from '../src/secrets.ts';
import { temporaryFolder } from './support.ts';

type Service = {
  environment?: Record<string, string>;
  depends_on?: Record<string, unknown>;
  command?: string[];
};
type Proxy = { name: string; listen: string; upstream: string };

const { services } = parse(readFileSync(join(repositoryRoot, 'docker-compose.yml'), 'utf8'), { merge: true }) as {
  services: Record<string, Service>;
};
const proxies = JSON.parse(readFileSync(join(repositoryRoot, 'infra/toxiproxy/proxies.json'), 'utf8')) as Proxy[];

function topology(): Topology {
  const folder = temporaryFolder();
  const secrets = loadSecrets(join(folder, 'secrets.json'), {
    postgresRoles: [...schemaOwners.map(loginRole), vaultAdministrator, auditorRole, chaosRole],
    vaultSecretIds: schemaOwners,
  });
  return ballastTopology({
    portBase: 4000,
    profile: 'full',
    parts: 'native',
    dataDirectory: folder,
    secrets,
    partUrls: labPartUrls({ postgres: 5432, redis: 6379, rabbitmq: 5672 }, secrets),
    environment: {},
  });
}

/** Where a variable leads, by the names of what it leads to; undefined where it is no address of the mesh. */
function leads(value: string, toName: (url: URL) => string | undefined): string | undefined {
  const names = value.split(',').map((entry) => {
    const [, label = '', address = ''] =
      /^([a-z0-9-]+=)?([a-z]+:\/\/.*)$/.exec(entry.replaceAll(/\$\{[^}]*\}/g, 'x')) ?? [];
    const url = URL.parse(address);
    const name = url === null ? undefined : toName(url);
    return name === undefined ? undefined : `${label}${name}`;
  });
  return names.includes(undefined) ? undefined : names.join(',');
}

test('every link of the lab is a proxy of the real product, to the same end', () => {
  assert.deepEqual(
    proxies.map(({ name, upstream }) => [name, upstream.split(':')[0]]),
    topology().links?.map(({ from, to }) => [`${from}.${to}`, to]),
  );
  assert.equal(new Set(proxies.map(({ listen }) => listen)).size, proxies.length);
});

test('every process of the lab is a service, and each of its addresses leads to the same', () => {
  const mesh = topology();
  const inLab = (url: URL): string | undefined => {
    const port = Number(url.port);
    const link = mesh.links?.find((each) => each.port === port);
    if (link !== undefined) return `${link.from}.${link.to}`;
    const parts: Record<number, string> = { 5432: 'postgres', 6379: 'redis', 5672: 'rabbitmq', 4090: 'prometheus' };
    if (port === mesh.vault?.standIn?.port) return 'vault';
    return parts[port] ?? mesh.services.find((each) => each.port === port)?.name;
  };
  const inCompose = (url: URL): string | undefined => {
    if (url.hostname !== 'toxiproxy') return services[url.hostname] === undefined ? undefined : url.hostname;
    return proxies.find(({ listen }) => listen.endsWith(`:${url.port}`))?.name ?? 'toxiproxy';
  };
  let compared = 0;
  for (const process of mesh.services.filter(({ name }) => name !== 'toxiproxy')) {
    const environment = services[process.name]?.environment ?? {};
    assert.ok(services[process.name]?.command?.includes(process.entry), process.name);
    for (const [variable, value] of Object.entries(process.environment)) {
      // Vault in Compose is the real one, which is no stand-in.
      const expected = leads(value.replace(/,vault=[^,]*/, ''), inLab);
      if (expected === undefined) continue;
      assert.equal(leads(environment[variable] ?? '', inCompose), expected, `${process.name}: ${variable}`);
      compared += 1;
    }
  }
  assert.ok(compared > 50, `${compared} addresses were compared`);
});

test('who is not in the lab is not in Compose either', () => {
  const parts = ['vault', 'postgres', 'redis', 'rabbitmq', 'prometheus'];
  const known = [...topology().services.map(({ name }) => name), ...parts];
  const others = Object.keys(services).filter((name) => !known.includes(name));
  // Grafana cannot be had as a package; the storefront draws the same panels.
  assert.deepEqual(others, ['bootstrap', 'vault-bootstrap', 'grafana']);
});

test('every service waits for what carries its lines', () => {
  for (const { name, dependsOn } of topology().services) {
    if (!dependsOn.includes('toxiproxy') || name === 'bff') continue;
    assert.ok(services[name]?.depends_on?.['toxiproxy'] !== undefined, name);
  }
});

test('Prometheus scrapes and judges the same in both', () => {
  const { services: processes } = topology();
  const inCompose: unknown = parse(readFileSync(join(repositoryRoot, 'infra/prometheus/prometheus.yml'), 'utf8'));
  const targets = targetsOf(processes).map(({ service, instance }) => {
    const { PORT = '' } = services[instance]?.environment ?? {};
    return { service, instance, address: `${instance}:${PORT}` };
  });
  assert.deepEqual(
    targets.map(({ instance }) => instance),
    processes.filter(({ kind }) => kind === 'service').map(({ name }) => name),
  );
  assert.deepEqual(inCompose, JSON.parse(prometheusConfiguration(targets, '/etc/prometheus/alerts.yml')));
});
