/** The parts' own controls, on a real PostgreSQL and a Redis of its own; Vault is the lab's stand-in, rabbitmqctl a script. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { FaultTargets, type FaultRequest, type PartAction } from '@ballast/contracts';
import { startParts, type RunningParts } from '@ballast/lab';
import { createDatabase } from '@ballast/postgres';
import { partUrl, testDatabase, until, type TestDatabase } from '@ballast/testing';
import { startTestVault, type TestVault } from '@ballast/vault-stand-in/testing';
import { Redis } from 'ioredis';
import { expectBody, openBench, refusal, type Bench, type Controller, type Victim } from './support.ts';

const brokerControl = fileURLToPath(new URL('fixtures/broker-control.mjs', import.meta.url));

interface BrokerState {
  calls: string[];
  watermark: string;
  broken?: boolean;
}

describe('faults of parts', () => {
  let bench: Bench;
  let victim: Victim;
  let database: TestDatabase;
  let parts: RunningParts;
  let vault: TestVault;
  let folder: string;
  let settings: Record<string, string>;
  let chaos: Controller;
  const brokerFile = (): string => join(folder, 'broker.json');
  const broker = (): BrokerState => JSON.parse(readFileSync(brokerFile(), 'utf8')) as BrokerState;
  const setBroker = (state: BrokerState): void => writeFileSync(brokerFile(), JSON.stringify(state));
  const ordinary: BrokerState = { calls: [], watermark: 'absolute 512MB' };

  before(async () => {
    bench = await openBench();
    folder = mkdtempSync(join(tmpdir(), 'ballast-chaos-'));
    setBroker(ordinary);
    [victim, database, parts] = await Promise.all([
      bench.victim('victim-1'),
      testDatabase({ schema: 'chaos', sets: [] }),
      startParts({ parts: ['redis'] }),
    ]);
    vault = await startTestVault({
      adminUrl: partUrl('POSTGRES'),
      databaseUrl: database.url,
      schema: database.schema,
      service: 'victim',
      leaseSeconds: 600,
    });
    await database.administrate(`CREATE ROLE ${breaker()} LOGIN PASSWORD 'breaker' IN ROLE pg_signal_backend`);
    const url = new URL(database.url);
    await database.administrate(`GRANT CONNECT ON DATABASE ${url.pathname.slice(1)} TO ${breaker()}`);
    url.username = breaker();
    url.password = 'breaker';
    settings = {
      INSTANCES: `victim-1=${victim.url}`,
      POSTGRES_URL: url.href,
      REDIS_URL: parts.urls.redis!,
      VAULT_ADDR: vault.address,
      VAULT_TOKEN: vault.rootToken,
      VAULT_UNSEAL_KEY: vault.rootToken,
      BROKER_CONTROL: JSON.stringify({ command: process.execPath, args: [brokerControl, brokerFile()] }),
    };
    chaos = await bench.start(settings);
    await until('leftovers were looked for', () => broker().calls.length > 0);
  });
  afterEach(async () => {
    await chaos.call('DELETE', '/faults');
    setBroker(ordinary);
  });
  after(async () => {
    await bench.close();
    await vault.close();
    await database.administrate(`DROP OWNED BY ${breaker()}`);
    await database.administrate(`DROP ROLE ${breaker()}`);
    await database.drop();
    await parts.stop();
    rmSync(folder, { recursive: true });
  });

  const breaker = (): string => `breaker_${new URL(database.url).pathname.slice(-12)}`;
  const part = (action: PartAction, more: { instance?: string; seconds?: number } = {}): FaultRequest => ({
    kind: 'part',
    action,
    seconds: 60,
    ...more,
  });
  const askVault = (path: string, init: RequestInit = {}): Promise<Response> =>
    fetch(`${vault.address}/v1/${path}`, { ...init, headers: { 'x-vault-token': vault.rootToken } });

  it('are all available', async () => {
    const { parts: listed } = expectBody(FaultTargets, 200, await chaos.call('GET', '/targets'));
    assert.deepEqual(
      listed.filter(({ unavailable }) => unavailable !== null),
      [],
    );
  });

  it('end the sessions of services, or of one instance', async () => {
    const open = (applicationName: string): ReturnType<typeof createDatabase> =>
      createDatabase({ url: database.url, applicationName, maxConnections: 1, onIdleError: () => {} });
    const pid = async (pool: ReturnType<typeof createDatabase>): Promise<number> =>
      (await pool.query<{ pid: number }>('SELECT pg_backend_pid() AS pid'))[0]!.pid;
    const [one, other] = [open('victim-1'), open('victim-2')];
    const before = [await pid(one), await pid(other)];
    const fault = await chaos.inject(part('postgres.end-backends', { instance: 'victim-1' }));
    assert.deepEqual([fault.nodes, fault.receipt.kind], [['postgres', 'victim-1'], 'postgres']);
    assert.equal(fault.until, fault.injectedAt);
    await until('one has another session', async () => (await pid(one)) !== before[0]);
    assert.equal(await pid(other), before[1]);
    await chaos.inject(part('postgres.end-backends'));
    await until('both have another session', async () => (await pid(other)) !== before[1]);
    await chaos.healed(fault.id);
    await Promise.all([one.close(), other.close()]);
  });

  it('make Redis forget', async () => {
    const redis = new Redis(settings['REDIS_URL']!);
    await redis.set('a', '1');
    await chaos.inject(part('redis.flush'));
    assert.equal(await redis.get('a'), null);
    redis.disconnect();
  });

  it('freeze Redis without a gap, and thaw it at once', async () => {
    const redis = new Redis(settings['REDIS_URL']!);
    await redis.set('count', '0');
    const fault = await chaos.inject(part('redis.freeze'));
    let answers = 0;
    let asking = true;
    const ask = (async () => {
      while (asking) {
        await redis.incr('count');
        answers += 1;
      }
    })();
    // Several of the short pauses it is made of.
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    assert.equal(answers, 0);
    assert.equal((await chaos.fault(fault.id)).state, 'active');
    const healing = await chaos.call('DELETE', `/faults/${fault.id}`);
    assert.notEqual((healing.body as { state: string }).state, 'active');
    await until('it answers', () => answers > 0);
    asking = false;
    await ask;
    redis.disconnect();
  });

  it('seal Vault, and open it again', async () => {
    const fault = await chaos.inject(part('vault.seal'));
    assert.equal((await askVault('sys/health')).status, 503);
    await chaos.inject(part('vault.seal', { seconds: 1 }));
    assert.equal((await chaos.fault(fault.id)).state, 'healed');
    await until('it is open', async () => (await askVault('sys/health')).status === 200);
  });

  it('revoke the logins of one service', async () => {
    const lease = async (): Promise<string> =>
      ((await (await askVault('database/creds/victim')).json()) as { lease_id: string }).lease_id;
    const alive = async (lease_id: string): Promise<boolean> =>
      (await askVault('sys/leases/lookup', { method: 'PUT', body: JSON.stringify({ lease_id }) })).status === 200;
    const first = await lease();
    assert.equal(await alive(first), true);
    const fault = await chaos.inject(part('vault.revoke-leases', { instance: 'victim-1' }));
    assert.equal(fault.state === 'failed', false, fault.detail ?? '');
    assert.equal(await alive(first), false);
    const second = await lease();
    await chaos.inject(part('vault.revoke-leases'));
    assert.equal(await alive(second), false);
  });

  it('raise the memory alarm, and put the watermark back as it was', async () => {
    const fault = await chaos.inject(part('rabbitmq.memory-alarm'));
    assert.equal(broker().watermark, '0.0001');
    await chaos.call('DELETE', `/faults/${fault.id}`);
    await chaos.healed(fault.id);
    assert.equal(broker().watermark, 'absolute 512MB');
    await chaos.inject(part('rabbitmq.close-connections'));
    assert.match(broker().calls.at(-1)!, /^close_all_connections --global /);
  });

  it('fail with what the part said', async () => {
    setBroker({ ...ordinary, broken: true });
    const fault = await chaos.inject(part('rabbitmq.close-connections'));
    assert.equal(fault.state, 'failed');
    assert.match(fault.detail!, /close_all_connections failed: Error: unable to perform/);
  });

  it('are mended where an earlier controller has left them', async () => {
    await askVault('sys/seal', { method: 'PUT' });
    setBroker({ calls: [], watermark: '0.0001' });
    const next = await bench.start(settings);
    await until('Vault is open', async () => (await askVault('sys/health')).status === 200);
    await until('the alarm is over', () => broker().watermark === 'absolute 512MB');
    await next.stop();
  });

  it('are refused with the field that is wrong', async () => {
    for (const [body, field] of [
      [part('postgres.end-backends', { instance: 'nobody' }), 'instance'],
      [part('redis.flush', { instance: 'victim-1' }), 'instance'],
      // It tells nobody anything.
      [part('message.poison', { instance: 'victim-1' }), 'instance'],
      [part('message.duplicate', { instance: 'victim-1' }), 'instance'],
      [{ ...part('redis.flush'), action: 'redis.melt' }, 'action'],
      [{ ...part('redis.flush'), seconds: 0 }, 'seconds'],
    ] as const) {
      const [status, named] = refusal(await chaos.call('POST', '/faults', body));
      assert.equal(status, 422, JSON.stringify(body));
      assert.equal(named, field);
    }
  });
});
