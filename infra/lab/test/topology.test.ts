import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { ballastTopology, type ServiceDefinition, type Topology } from '../src/index.ts';
import { Links, proxiesFile } from '../src/links.ts';
import { loadSecrets } from '../src/secrets.ts';
import { labPartUrls } from '../src/parts/part.ts';
import { auditorRole, chaosRole, vaultAdministrator } from '../../postgres/bootstrap.ts';
import { temporaryFolder } from './support.ts';

const owners = ['identity', 'catalog', 'payments', 'checkout', 'bff', 'claims', 'analytics'];

function topology(
  environment: NodeJS.ProcessEnv = {},
  parts: 'auto' | 'native' = 'auto',
  profile: 'full' | 'light' = 'light',
): Topology {
  const folder = temporaryFolder();
  const secrets = loadSecrets(join(folder, 'secrets.json'), {
    postgresRoles: [...owners.map((owner) => `${owner}_app`), vaultAdministrator, auditorRole, chaosRole],
    vaultSecretIds: owners,
  });
  const ports = { postgres: 4432, redis: 4379, rabbitmq: 4672 };
  const partUrls = labPartUrls(ports, secrets);
  return ballastTopology({
    portBase: 4000,
    profile,
    parts,
    dataDirectory: folder,
    secrets,
    partUrls,
    environment,
  });
}

const leasing = ({ services }: Topology): string[] =>
  services.filter(({ environment }) => environment['VAULT_SECRET_ID'] !== undefined).map(({ name }) => name);

function named({ services }: Topology, name: string): ServiceDefinition {
  const found = services.find((service) => service.name === name);
  assert.ok(found !== undefined, `${name} is part of the mesh`);
  return found;
}

test('identity and bff lease unless told otherwise, wait for Vault, and keep where the database is', () => {
  const mesh = topology();
  assert.deepEqual(leasing(mesh), ['identity', 'bff']);
  for (const name of leasing(mesh)) {
    const { environment, dependsOn } = named(mesh, name);
    assert.ok(dependsOn.includes('vault'));
    assert.match(environment['POSTGRES_URL'] ?? '', /@127\.0\.0\.1:4432\/ballast$/);
    assert.deepEqual(
      [environment['VAULT_ADDR'], environment['VAULT_ROLE_ID'], environment['VAULT_DATABASE_ROLE']],
      ['http://127.0.0.1:4200', `ballast-${name}`, name],
    );
  }
  assert.deepEqual(leasing(topology({ LEASED_SERVICES: 'checkout' })), ['checkout-1', 'checkout-2']);
  const all = topology({ LEASED_SERVICES: 'all' });
  assert.deepEqual(
    leasing(all),
    all.services.filter(({ kind }) => kind === 'service').map(({ name }) => name),
  );
  assert.equal(topology({ LEASED_SERVICES: 'none' }).vault, undefined);
});

test('a real Vault takes the stand-in’s place when address and token are given, except where native was asked for', () => {
  const given = { VAULT_ADDR: 'http://vault.test:8200', VAULT_TOKEN: 'theirs', VAULT_POSTGRES_HOST: 'seen.test:5555' };
  const real = topology(given);
  assert.equal(real.vault?.standIn, undefined);
  assert.equal(real.vault?.address, 'http://vault.test:8200');
  assert.match(real.vault?.databaseUrl ?? '', /@seen\.test:5555\/ballast$/);
  assert.ok(!real.standIns.some((standIn) => standIn.startsWith('Vault')));
  for (const mesh of [topology({ VAULT_ADDR: given.VAULT_ADDR }), topology(given, 'native')]) {
    assert.equal(mesh.vault?.address, 'http://127.0.0.1:4200');
    assert.ok(mesh.standIns.includes('Vault: stand-in at http://127.0.0.1:4200'));
  }
});

test('every process has a port of its own, and everything waited for comes before', () => {
  const { services, vault } = topology({}, 'auto', 'full');
  const ports = [...services.flatMap(({ port, morePorts = [] }) => [port, ...morePorts]), vault?.standIn?.port];
  assert.equal(new Set(ports).size, ports.length);
  const before = new Set(['postgres', 'redis', 'rabbitmq', 'storefront', 'vault']);
  for (const { name, dependsOn } of services) {
    assert.deepEqual(
      dependsOn.filter((needed) => !before.has(needed)),
      [],
      name,
    );
    before.add(name);
  }
});

test('each service is told where those it calls are', () => {
  const mesh = topology();
  const bff = named(mesh, 'bff').environment;
  assert.equal(bff['CLAIMS_URL'], 'http://127.0.0.1:4003');
  assert.equal(bff['REDIS_URL'], named(mesh, 'catalog-2').environment['REDIS_URL']);
  assert.ok(bff['REDIS_URL']?.startsWith('redis://'));
  const claims = named(mesh, 'claims');
  assert.equal(claims.port, 4003);
  assert.equal(claims.environment['CHECKOUT_URLS'], 'http://127.0.0.1:4005,http://127.0.0.1:4015');
});

const full = (environment: NodeJS.ProcessEnv = {}): Topology => topology(environment, 'auto', 'full');

/** Addresses in a process's environment, with the variable they are in. */
function addresses({ environment }: ServiceDefinition): { variable: string; url: URL }[] {
  return Object.entries(environment).flatMap(([variable, value]) =>
    value.split(',').flatMap((text) => {
      const url = /^[a-z]+:\/\//.test(text) ? URL.parse(text) : null;
      return url === null ? [] : [{ variable, url }];
    }),
  );
}

/** They look on, from beside the links. */
const watching = ['auditor', 'chaos'];
/** IDENTITY_URL names the issuer; the others lead out of what is broken. */
const namesOnly = ['IDENTITY_URL', 'CHAOS_URL', 'PROMETHEUS_URL'];

test('in the full profile whatever a process calls is reached by a link of its own, and nothing past it', () => {
  const mesh = full({ LEASED_SERVICES: 'all' });
  const links = mesh.links ?? [];
  const used = new Set<number>();
  for (const process of mesh.services.filter(({ name }) => !watching.includes(name))) {
    for (const { variable, url } of addresses(process).filter((each) => !namesOnly.includes(each.variable))) {
      const link = links.find(({ port }) => port === Number(url.port));
      assert.ok(link !== undefined, `${process.name} is told ${variable}=${url.host}`);
      // What its clients, not it, connect to.
      const from = variable === 'PUBLIC_URL' ? 'payments' : process.name;
      assert.equal(link.from, from, variable);
      used.add(link.port);
    }
  }
  assert.equal(used.size, links.length);
});

test('a link leads to what it is named after', () => {
  const mesh = full();
  const at: Record<string, number | undefined> = {
    postgres: 4432,
    redis: 4379,
    rabbitmq: 4672,
    vault: mesh.vault?.standIn?.port,
    ...Object.fromEntries(mesh.services.map(({ name, port }) => [name, port])),
  };
  const links = mesh.links ?? [];
  for (const { from, to, upstream } of links) {
    assert.equal(upstream, `127.0.0.1:${at[to]}`, `${from}.${to}`);
    assert.notEqual(at[from], undefined, from);
  }
  assert.equal(new Set(links.map(({ from, to }) => `${from}.${to}`)).size, links.length);
  const lines = links.map(({ from, to }) => `${from}.${to}`);
  for (const line of ['checkout-1.rabbitmq', 'payments.payment-provider', 'payment-provider.bff', 'bff.catalog-2']) {
    assert.ok(lines.includes(line), line);
  }
});

test('links keep their ports, and those of a service stay in the order of what they lead to', () => {
  assert.deepEqual(full().links, full().links);
  const mesh = full();
  const to = (variable: string): (string | undefined)[] =>
    (named(mesh, 'bff').environment[variable] ?? '')
      .split(',')
      .map((url) => mesh.links?.find(({ port }) => port === Number(new URL(url).port))?.to);
  assert.deepEqual(to('CATALOG_URLS'), ['catalog-1', 'catalog-2']);
  assert.deepEqual(to('CHECKOUT_URLS'), ['checkout-1', 'checkout-2']);
});

test('who names things by an address is not told of links', () => {
  const mesh = full();
  for (const { name, environment } of mesh.services) {
    const issuer = environment['IDENTITY_URL'];
    assert.ok(issuer === undefined || issuer === 'http://127.0.0.1:4001', name);
  }
  const { environment } = named(mesh, 'payments');
  const standIn = named(mesh, 'payment-provider').environment;
  assert.equal(environment['PAYPAL_CERT_HOSTS'], new URL(standIn['PUBLIC_URL'] ?? '').host);
  assert.equal(environment['PAYPAL_API_BASE'], standIn['PUBLIC_URL']);
});

test('the stand-in starts first, with every link in its file', () => {
  const mesh = full();
  assert.equal(mesh.services[0]?.name, 'toxiproxy');
  const [text] = Object.values(named(mesh, 'toxiproxy').files ?? {});
  assert.equal(text, proxiesFile(mesh.links ?? []));
  for (const { name, dependsOn } of mesh.services.filter((each) => !['toxiproxy', 'auditor'].includes(each.name))) {
    assert.ok(dependsOn.includes('toxiproxy'), name);
  }
  assert.ok(mesh.standIns.includes('Link faults: Toxiproxy stand-in at http://127.0.0.1:4474'));
});

test('the light profile has no links, and nobody who judges or breaks it', () => {
  const mesh = topology();
  assert.deepEqual(mesh.links, []);
  const names = mesh.services.map(({ name }) => name);
  for (const name of ['toxiproxy', 'auditor', 'chaos']) assert.ok(!names.includes(name), name);
  const bff = named(mesh, 'bff').environment;
  assert.equal(bff['CHAOS_URL'], undefined);
  assert.equal(bff['IDENTITY_ADDRESS'], undefined);
});

test('the auditor and the controller get past every link', () => {
  const mesh = full();
  const linked = new Set(mesh.links?.map(({ port }) => port));
  for (const name of watching) {
    const observer = named(mesh, name);
    const instances = (observer.environment['INSTANCES'] ?? '').split(',').map((entry) => entry.split('='));
    assert.deepEqual(
      instances.map(([instance]) => instance),
      [
        'identity',
        'catalog-1',
        'catalog-2',
        'claims',
        'payments',
        'checkout-1',
        'checkout-2',
        'bff',
        'analytics',
        'tcp-gateway',
      ],
    );
    const urls = [...addresses(observer).map(({ url }) => url), ...instances.map(([, url = '']) => new URL(url))];
    for (const url of urls) assert.ok(!linked.has(Number(url.port)), `${name} is told ${url.host}`);
  }
  assert.match(
    named(mesh, 'auditor').environment['POSTGRES_URL'] ?? '',
    /\/\/ballast_auditor:[^@]+@127\.0\.0\.1:4432\/ballast$/,
  );
  assert.match(named(mesh, 'chaos').environment['POSTGRES_URL'] ?? '', /\/\/ballast_chaos:/);
});

test('with real payment providers there is neither a stand-in, nor its links, nor its ledger', () => {
  const mesh = full({
    STRIPE_SECRET_KEY: 'sk_test_theirs',
    PAYPAL_CLIENT_ID: 'theirs',
    PAYPAL_CLIENT_SECRET: 'theirs',
  });
  assert.ok(!mesh.services.some(({ name }) => name === 'payment-provider'));
  assert.ok(!mesh.links?.some(({ from, to }) => [from, to].includes('payment-provider')));
  assert.equal(named(mesh, 'auditor').environment['PAYMENT_LEDGER_URL'], undefined);
  assert.equal(named(mesh, 'payments').environment['STRIPE_API_BASE'], 'https://api.stripe.com');
});

test('what is encrypted keeps its address, because its certificate names it', () => {
  const links = new Links(4000, true);
  for (const url of [
    'rediss://cache.test:6380',
    'amqps://broker.test',
    'postgres://db.test/ballast?sslmode=verify-full',
  ]) {
    assert.equal(links.url('bff', 'redis', url), url);
  }
  assert.equal(
    links.url('bff', 'postgres', 'postgres://me:pw@db.test/ballast'),
    'postgres://me:pw@127.0.0.1:4500/ballast',
  );
  assert.deepEqual(links.all(), [{ from: 'bff', to: 'postgres', port: 4500, upstream: 'db.test:5432' }]);
});

test('the full profile has a metrics server of its own, or the one that is named, and nobody waits for it', () => {
  const own = full();
  assert.deepEqual(own.metrics, { url: 'http://127.0.0.1:4090', port: 4090 });
  assert.equal(own.urls['metrics (Prometheus)'], 'http://127.0.0.1:4090');
  assert.equal(named(own, 'bff').environment['PROMETHEUS_URL'], 'http://127.0.0.1:4090');
  assert.ok(!own.services.some(({ dependsOn }) => dependsOn.includes('prometheus')));
  const given = { PROMETHEUS_URL: 'https://metrics.test/prometheus' };
  assert.deepEqual(full(given).metrics, { url: given.PROMETHEUS_URL });
  assert.equal(named(full(given), 'bff').environment['PROMETHEUS_URL'], given.PROMETHEUS_URL);
  const secret = full({ PROMETHEUS_URL: 'https://me:secret@metrics.test/prometheus' });
  assert.equal(secret.urls['metrics (Prometheus)'], 'https://metrics.test/prometheus');
  assert.equal(topology(given, 'native', 'full').metrics?.port, 4090);
  const light = topology(given);
  assert.equal(light.metrics, undefined);
  assert.equal(named(light, 'bff').environment['PROMETHEUS_URL'], undefined);
  assert.equal(light.urls['metrics (Prometheus)'], undefined);
});
