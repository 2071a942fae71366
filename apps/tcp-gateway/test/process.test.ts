/** The gateway as a process: how it starts and ends, what a kill leaves, and several of them on one port. */
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { freePort, spawnService, until, type ServiceProcess } from '@ballast/testing';
import { Device, openBench, telemetry, type Bench } from './support.ts';

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));

describe('the tcp-gateway process', () => {
  let bench: Bench;
  const running = new Set<ServiceProcess>();
  before(async () => {
    bench = await openBench();
  });
  afterEach(async () => {
    for (const process of running) await process.end('SIGKILL');
    running.clear();
  });
  after(() => bench.close());

  async function start(port: number, settings: Record<string, string> = {}): Promise<ServiceProcess> {
    const process = await spawnService(main, {
      ...bench.environment,
      INSTANCE: 'tcp-gateway-1',
      TCP_PORT: String(port),
      LAB_MODE: '1',
      ...settings,
    });
    running.add(process);
    return process;
  }
  async function session(port: number): Promise<Device> {
    const device = await Device.connect(port);
    device.say({ type: 'auth', token: bench.token() });
    await device.heard('accepted');
    return device;
  }

  it('on SIGTERM says closing, tells what is left and a last report, and exits with 0', async () => {
    const port = await freePort();
    const process = await start(port);
    await process.ready();
    const devices = [await session(port), await session(port)];
    devices[0]!.say(...Array.from({ length: 50 }, () => telemetry()));
    const silent = await Device.connect(port);
    await until('it was taken', async () => (await metric(process, 'gateway_items', 'received')) === 50);
    const began = performance.now();
    assert.deepEqual(await process.end('SIGTERM'), { code: 0, signal: null });
    assert.ok(performance.now() - began < 9_000);
    for (const device of [...devices, silent]) assert.equal((await device.heard('closing')).reason, 'shutdown');
    const { reports, telemetry: items } = await bench.told();
    const last = reports.at(-1)!;
    assert.deepEqual([last.last, last.connections, last.sessions, last.accepted], [true, 0, 0, 2]);
    assert.deepEqual(
      [last.ended, last.telemetry, items.length],
      [{ shutdown: 2 }, { received: 50, told: 50, dropped: 0 }, 50],
    );
    assert.deepEqual(
      process.log().filter(({ level }) => level > 30),
      [],
    );
    assert.deepEqual(process.errors, []);
  });

  it('that is killed is another epoch when it comes again', async () => {
    const port = await freePort();
    const doomed = await start(port, { FAULTS: 'gateway.before-report=crash@2' });
    const device = await until('it takes devices', () => session(port));
    assert.deepEqual(await doomed.ended, { code: null, signal: 'SIGKILL' });
    await device.closed();
    const next = await start(port);
    await next.ready();
    await session(port);
    const epochs = await until('its report', async () => {
      const { reports } = await bench.told();
      const names = new Map(reports.map(({ epoch, last }) => [epoch, last]));
      return [...names.values()].filter((last) => !last).length >= 2 ? names : null;
    });
    assert.ok(epochs.size >= 2);
  });

  it('shares its port with others where it is told to, and each takes some', async () => {
    const port = await freePort();
    const processes = [
      await start(port, { TCP_REUSE_PORT: '1' }),
      await start(port, { TCP_REUSE_PORT: '1', INSTANCE: 'tcp-gateway-2' }),
    ];
    await Promise.all(processes.map((process) => process.ready()));
    const devices = await Promise.all(Array.from({ length: 40 }, () => session(port)));
    const taken = await Promise.all(processes.map((process) => metric(process, 'gateway_sessions')));
    assert.equal(taken[0]! + taken[1]!, 40);
    assert.ok(Math.min(...taken) > 0, taken.join(', '));
    for (const device of devices) await device.end();
  });

  it('names a setting that is wrong in one sentence, with exit code 1', async () => {
    for (const [settings, pattern] of [
      [{ INSTANCE: 'Gateway 1' }, /^tcp-gateway: INSTANCE: /],
      [{ HEARTBEAT_SECONDS: '0' }, /^tcp-gateway: HEARTBEAT_SECONDS: /],
    ] as const) {
      const process = await start(await freePort(), settings);
      assert.equal((await process.ended).code, 1);
      assert.equal(process.errors.length, 1);
      assert.match(process.errors[0]!, pattern);
    }
    const process = await start(await freePort(), { TLS_CERT: '/nowhere' });
    assert.equal((await process.ended).code, 1);
    assert.match(process.lines.join('\n'), /cannot start: TLS_CERT, TLS_KEY: both are needed/);
  });
});

async function metric({ url }: ServiceProcess, name: string, outcome?: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const line = text
    .split('\n')
    .find(
      (each) =>
        each.startsWith(`${name}{`) &&
        (outcome === undefined || (each.includes('telemetry') && each.includes(outcome))),
    );
  return Number(line?.split(' ').at(-1));
}
