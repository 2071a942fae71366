/** Fail points: processes that fail, freeze and die, and come back. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, afterEach, before, describe, it } from 'node:test';
import { FaultTargets, Faults, type FaultRequest } from '@ballast/contracts';
import { until } from '@ballast/testing';
import { expectBody, openBench, refusal, type Bench, type Controller, type Victim } from './support.ts';

describe('faults at fail points', () => {
  let bench: Bench;
  let victim: Victim;
  let chaos: Controller;
  before(async () => {
    bench = await openBench();
    victim = await bench.victim('victim-1');
    chaos = await bench.start({ INSTANCES: `victim-1=${victim.url},nobody=http://127.0.0.1:9` });
  });
  afterEach(async () => {
    await chaos.call('DELETE', '/faults');
  });
  after(() => bench.close());

  const work = async (): Promise<number> => {
    const response = await fetch(`${victim.url}/work`, { signal: AbortSignal.timeout(5_000) });
    await response.arrayBuffer();
    return response.status;
  };
  const point = (more: Partial<Extract<FaultRequest, { kind: 'point' }>> = {}): FaultRequest => ({
    kind: 'point',
    instance: 'victim-1',
    point: 'victim.work',
    action: 'error',
    seconds: 60,
    ...more,
  });

  it('are listed with their targets', async () => {
    const targets = expectBody(FaultTargets, 200, await chaos.call('GET', '/targets'));
    const [first, second] = targets.instances;
    assert.deepEqual([first?.instance, first?.service, second?.instance], ['victim-1', 'victim', 'nobody']);
    assert.ok(first!.points.includes('victim.work') && first!.points.includes('process.tick'));
    assert.deepEqual(second!.points, []);
    assert.deepEqual(targets.links, []);
    assert.match(targets.parts.find(({ action }) => action === 'redis.flush')!.unavailable!, /REDIS_URL is not set/);
  });

  it('work until they are healed by a click', async () => {
    assert.equal(await work(), 200);
    const fault = await chaos.inject(point());
    assert.deepEqual(
      [fault.state, fault.title, fault.nodes],
      ['active', 'victim-1 fails at victim.work', ['victim-1']],
    );
    assert.equal(Date.parse(fault.until) - Date.parse(fault.injectedAt), 60_000);
    assert.equal(await work(), 500);
    const healing = await chaos.call('DELETE', `/faults/${fault.id}`);
    assert.equal(healing.status, 200);
    assert.equal(await work(), 200);
    const healed = await chaos.healed(fault.id);
    assert.ok(healed.endedAt !== null && healed.receipt.recovery !== null && healed.receipt.kind === 'process');
  });

  it('end by themselves', async () => {
    const fault = await chaos.inject(point({ seconds: 1 }));
    assert.equal(await work(), 500);
    const healed = await chaos.healed(fault.id);
    assert.equal(await work(), 200);
    assert.ok(Date.parse(healed.endedAt!) - Date.parse(fault.injectedAt) >= 900);
  });

  it('end when they are used up', async () => {
    const fault = await chaos.inject(point({ times: 2 }));
    assert.deepEqual([await work(), await work(), await work()], [500, 500, 200]);
    assert.match((await chaos.healed(fault.id)).detail!, /used up/);
  });

  it('take the place of another at the same point', async () => {
    const first = await chaos.inject(point());
    const second = await chaos.inject(point({ action: 'delay', milliseconds: 300 }));
    const replaced = await chaos.fault(first.id);
    assert.equal(replaced.state, 'healed');
    assert.match(replaced.detail!, /taken its place/);
    const began = performance.now();
    assert.equal(await work(), 200);
    assert.ok(performance.now() - began >= 250);
    assert.equal((await chaos.fault(second.id)).state, 'active');
  });

  it('kill a process, and measure until it is ready again', async () => {
    const fault = await chaos.inject(point({ point: 'process.tick', action: 'crash' }));
    assert.equal(fault.title, 'victim-1 is killed');
    assert.deepEqual(await victim.process.ended, { code: null, signal: 'SIGKILL' });
    await until('its death is noticed', async () => (await chaos.fault(fault.id)).state === 'recovering');
    await until('it is said who is not ready', async () => /victim-1/.test((await chaos.fault(fault.id)).detail ?? ''));
    await victim.restart({ UNREADY_MS: '700' });
    const healed = await chaos.healed(fault.id);
    assert.ok(healed.receipt.recovery! >= 700, `${healed.receipt.recovery} ms`);
    assert.equal(await work(), 200);
  });

  it('freeze a process, which thaws by itself', async () => {
    await victim.process.ready();
    const fault = await chaos.inject(point({ point: 'process.tick', action: 'freeze', seconds: 1 }));
    await until('it answers nobody', async () => {
      const answer = await fetch(`${victim.url}/healthz`, { signal: AbortSignal.timeout(300) }).then(
        () => 'answered',
        () => 'silent',
      );
      return answer === 'silent';
    });
    await chaos.healed(fault.id);
    assert.equal(await work(), 200);
  });

  it('fail with the reason where the process cannot be reached', async () => {
    const fault = await chaos.inject(point({ instance: 'nobody', point: 'http.request' }));
    assert.equal(fault.state, 'failed');
    assert.match(fault.detail!, /refused/);
    assert.notEqual(fault.endedAt, null);
  });

  it('are refused with the field that is wrong', async () => {
    for (const [body, field] of [
      [point({ instance: 'victim-9' }), 'instance'],
      [point({ point: 'victim.nowhere' }), 'point'],
      [point({ point: 'process.tick', action: 'error' }), 'action'],
      [{ ...point(), seconds: 121 }, 'seconds'],
      [{ ...point(), milliseconds: 0 }, 'milliseconds'],
      [{ kind: 'link', from: 'a', to: 'b', toxic: 'down', seconds: 1 }, 'kind'],
      [{ kind: 'part', action: 'redis.flush', seconds: 1 }, 'action'],
      [{ kind: 'control', control: 'nothing.known', seconds: 1 }, 'control'],
    ] as const) {
      const answer = await chaos.call('POST', '/faults', body);
      assert.equal(answer.status, 422, JSON.stringify([body, answer.body]));
      assert.equal(refusal(answer)[1], field, JSON.stringify(answer.body));
    }
    for (const [body, status] of [
      ['{"kind":', 400],
      ['null', 422],
      ['[]', 422],
      [{ kind: 'volcano', seconds: 1 }, 422],
      [{ ...point(), more: 1 }, 422],
    ] as const) {
      assert.equal((await chaos.call('POST', '/faults', body)).status, status, JSON.stringify(body));
    }
    assert.equal((await chaos.call('DELETE', '/faults/x')).status, 422);
    assert.equal((await chaos.call('DELETE', `/faults/${randomUUID()}`)).status, 404);
  });

  it('are fifty at a time at most', async () => {
    const faults = await Promise.all(
      Array.from({ length: 51 }, (_, place) =>
        chaos.call('POST', '/faults', point({ point: `victim.work.detail-${place}`, seconds: 120 })),
      ),
    );
    const statuses = faults.map(({ status }) => status);
    assert.deepEqual(
      [statuses.filter((status) => status === 201).length, statuses.filter((status) => status === 409).length],
      [50, 1],
    );
    await chaos.call('DELETE', '/faults');
    await until('all are healed', async () => {
      const { items } = expectBody(Faults, 200, await chaos.call('GET', '/faults'));
      return items.every(({ state }) => state === 'healed' || state === 'failed');
    });
  });

  it('are for operators', async () => {
    for (const [method, path] of [
      ['GET', '/faults'],
      ['GET', '/targets'],
      ['POST', '/faults'],
      ['DELETE', '/faults'],
    ] as const) {
      assert.equal((await chaos.call(method, path, undefined, null)).status, 401, path);
      assert.equal((await chaos.call(method, path, undefined, bench.identity.token('customer'))).status, 403, path);
    }
  });
});
