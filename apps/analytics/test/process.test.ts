/** Analytics as a process: how it starts and ends, and what a kill at a bad moment leaves. */
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { spawnService, until, type ServiceProcess } from '@ballast/testing';
import { eventOf, messageOf, newEpoch, openBench, reportOf, scrape, type Bench } from './support.ts';

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));

describe('the analytics process', () => {
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

  async function start(settings: Record<string, string> = {}): Promise<ServiceProcess> {
    const process = await spawnService(main, {
      ...bench.environment,
      INSTANCE: 'analytics-1',
      LAB_MODE: '1',
      ...settings,
    });
    running.add(process);
    return process;
  }
  /** Armed once it runs: its start commits, too. */
  async function startDoomed(point: string): Promise<ServiceProcess> {
    const process = await start();
    await process.ready();
    const response = await fetch(`${process.url}/lab/faults/${point}`, {
      method: 'PUT',
      body: JSON.stringify({ action: 'crash', seconds: 60 }),
      headers: { authorization: `Bearer ${bench.operator}`, 'content-type': 'application/json' },
    });
    assert.equal(response.status, 200, await response.text());
    return process;
  }
  const shows = (process: ServiceProcess, name: string, value: number) =>
    until(`${name} to be ${value}`, async () => (await scrape(process.url)).get(name) === value);

  it('starts, counts, and ends on SIGTERM with exit code 0, without a word above info', async () => {
    const process = await start();
    await process.ready();
    await bench.say(messageOf('GatewayCounted', reportOf({ gateway: 'calm', epoch: newEpoch(), attempts: 7 })));
    await shows(process, 'gateway_auth_attempts_total{gateway="calm"}', 7);
    assert.deepEqual(await process.end('SIGTERM'), { code: 0, signal: null });
    assert.deepEqual(
      process.log().filter((line) => line.level > 30),
      [],
    );
    assert.deepEqual(process.errors, []);
  });

  it('counts what was said while PostgreSQL was away, and knows meanwhile who is connected', async () => {
    const process = await start();
    await process.ready();
    const epoch = newEpoch();
    const report = (seq: number) =>
      messageOf('GatewayCounted', reportOf({ gateway: 'patient', epoch, seq, attempts: 2 * seq, connections: seq }));
    await bench.say(report(1));
    await shows(process, 'gateway_auth_attempts_total{gateway="patient"}', 2);
    await bench.test.cut();
    for (let seq = 2; seq <= 40; seq += 1) await bench.say(report(seq));
    await until('a report is heard', async () => (await scrape(process.url)).get('active_connections_total')! > 1);
    await bench.test.restore();
    await shows(process, 'gateway_auth_attempts_total{gateway="patient"}', 80);
    const series = await scrape(process.url);
    assert.equal(series.get('messages_consumed_total{outcome="dead-lettered",queue="analytics.counts"}'), undefined);
  });

  it('names a setting that is wrong in one sentence, with exit code 1', async () => {
    const process = await start({ RETENTION_DAYS: '0' });
    assert.equal((await process.ended).code, 1);
    assert.equal(process.errors.length, 1);
    assert.match(process.errors[0]!, /^analytics: RETENTION_DAYS: /);
  });

  for (const point of ['before-handle', 'before-commit', 'after-commit', 'before-ack']) {
    it(`counts a report once although it is killed at ${point}`, async () => {
      const doomed = await startDoomed(point);
      const gateway = `at-${point}`;
      const report = reportOf({
        gateway,
        epoch: newEpoch(),
        attempts: 5,
        accepted: 1,
        rejected: [{ reason: 'expired', deviceId: `device-${point}`, count: 4 }],
      });
      await bench.say(messageOf('GatewayCounted', report));
      assert.deepEqual(await doomed.ended, { code: null, signal: 'SIGKILL' });

      const next = await start();
      await next.ready();
      await shows(next, `gateway_auth_attempts_total{gateway="${gateway}"}`, 5);
      await bench.say(messageOf('GatewayCounted', reportOf({ ...report, seq: 2, attempts: 6 })));
      await shows(next, `gateway_auth_attempts_total{gateway="${gateway}"}`, 6);
      const series = await scrape(next.url);
      assert.equal(series.get(`auth_failures_total{device_id="device-${point}",reason="expired"}`), 4);
    });
  }

  for (const point of ['before-handle', 'before-ack']) {
    it(`stores events once although it is killed at ${point}`, async () => {
      const doomed = await startDoomed(point);
      const items = Array.from({ length: 10 }, () => eventOf({ deviceId: point }));
      await bench.say(messageOf('DeviceEvents', { gateway: 'north', epoch: newEpoch(), items } as { epoch: string }));
      assert.deepEqual(await doomed.ended, { code: null, signal: 'SIGKILL' });
      const next = await start();
      await next.ready();
      await until('the events', async () => {
        const rows = await bench.test.database.query('SELECT id FROM device_events WHERE device_id = $1', [point]);
        return rows.length === 10;
      });
    });
  }
});
