import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { ballastTopology, type ServiceDefinition, type Topology } from '../src/index.ts';
import { loadSecrets } from '../src/secrets.ts';
import { labPartUrls } from '../src/parts/part.ts';
import { vaultAdministrator } from '../../postgres/bootstrap.ts';
import { temporaryFolder } from './support.ts';

const owners = ['identity', 'catalog', 'payments', 'checkout', 'bff', 'claims'];

function topology(environment: NodeJS.ProcessEnv = {}, parts: 'auto' | 'native' = 'auto'): Topology {
  const folder = temporaryFolder();
  const secrets = loadSecrets(join(folder, 'secrets.json'), {
    postgresRoles: [...owners.map((owner) => `${owner}_app`), vaultAdministrator],
    vaultSecretIds: owners,
  });
  const ports = { postgres: 4432, redis: 4379, rabbitmq: 4672 };
  const partUrls = labPartUrls(ports, secrets);
  return ballastTopology({
    portBase: 4000,
    profile: 'full',
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
  const { services, vault } = topology();
  const ports = [...services.map(({ port }) => port), vault?.standIn?.port];
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
