/** The gateway as a process: how it starts and ends, what a kill leaves, and several of them on one port. */
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { freePort, spawnService, until, type ServiceProcess } from '@ballast/testing';
import { Device, deviceName, openBench, telemetry, type Bench } from './support.ts';

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
  async function session(port: number, name?: string): Promise<Device> {
    const device = await Device.connect(port);
    device.say({ type: 'auth', token: bench.token(name) });
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

  it('shares its devices with others, too: 200 that all come again end as 200 sessions in all', async () => {
    const port = await freePort();
    const processes = [
      await start(port, { TCP_REUSE_PORT: '1' }),
      await start(port, { TCP_REUSE_PORT: '1', INSTANCE: 'tcp-gateway-2' }),
    ];
    await Promise.all(processes.map((process) => process.ready()));
    const sum = async (name: string, label?: string): Promise<number> => {
      const each = await Promise.all(processes.map((process) => metric(process, name, label)));
      return each.reduce((one, other) => one + other, 0);
    };
    const names = Array.from({ length: 200 }, deviceName);
    const first = await Promise.all(names.map((name) => session(port, name)));
    assert.equal(await sum('gateway_sessions'), 200);
    // Whichever process takes it, and although no old socket is closed by its device.
    const second = await Promise.all(names.map((name) => session(port, name)));
    for (const device of first) assert.equal((await device.heard('closing')).reason, 'replaced');
    await Promise.all(first.map((device) => device.closed()));
    assert.deepEqual(
      [await sum('gateway_sessions'), await sum('gateway_sessions_ended_total', 'replaced')],
      [200, 200],
    );
    for (const device of second) {
      assert.ok(!device.gone);
      await device.end();
    }
  });

  it('that stood still takes no device for silent that was not', async () => {
    const port = await freePort();
    const gateway = await start(port, { HEARTBEAT_SECONDS: '2' });
    await gateway.ready();
    const devices = await Promise.all(Array.from({ length: 20 }, () => session(port)));
    process.kill(gateway.pid, 'SIGSTOP');
    const stoodFrom = performance.now();
    for (const device of devices) device.say({ type: 'ping' });
    await until('longer than a heartbeat', () => performance.now() - stoodFrom > 2_500);
    process.kill(gateway.pid, 'SIGCONT');
    for (const device of devices) await device.heard('pong');
    assert.deepEqual(
      devices.flatMap(({ frames }) => frames.filter(({ type }) => type === 'closing')),
      [],
    );
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

/** `label`: of the samples that have it among their labels, the first. */
async function metric({ url }: ServiceProcess, name: string, label?: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const line = text
    .split('\n')
    .find((each) => each.startsWith(`${name}{`) && (label === undefined || each.includes(`"${label}"`)));
  return Number(line?.split(' ').at(-1));
}
