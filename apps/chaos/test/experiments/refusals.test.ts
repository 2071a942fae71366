/** What is no experiment, or none that can be done here: said with the field, before anything is broken. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { ExperimentState, Faults, type FaultRequest } from '@ballast/contracts';
import { fakeBff, type FakeBff } from '../fake-bff.ts';
import { expectBody, openBench, refusal, type Bench, type Controller, type Victim } from '../support.ts';

describe('an experiment that cannot be done', () => {
  let bench: Bench;
  let bff: FakeBff;
  let victim: Victim;
  let chaos: Controller;
  before(async () => {
    bench = await openBench();
    [bff, victim] = await Promise.all([fakeBff(), bench.victim('victim-1')]);
    chaos = await bench.start({ BFF_URL: bff.url, INSTANCES: `victim-1=${victim.url}` });
  });
  after(async () => {
    await bench.close();
    await bff.close();
  });

  const point: FaultRequest = {
    kind: 'point',
    instance: 'victim-1',
    point: 'victim.work',
    action: 'error',
    seconds: 60,
  };
  const load = { ordersPerSecond: 1, declined: 0, readsPerSecond: 0 };
  const whole = { version: 1, name: 'a test', seed: 1, seconds: 60, steps: [{ at: 0, fault: point }] };
  const behind = (...steps: unknown[]): unknown => ({ ...whole, steps: [{ at: 0, fault: point }, ...steps] });
  const untouched = async (controller: Controller): Promise<void> => {
    const state = expectBody(ExperimentState, 200, await controller.call('GET', '/experiment'));
    const { items } = expectBody(Faults, 200, await controller.call('GET', '/faults'));
    assert.deepEqual([state.phase, items], ['idle', []]);
    assert.equal((await fetch(`${victim.url}/work`)).status, 200);
  };

  it('is refused with the step and the field of a target that is not there', async () => {
    for (const [fault, field] of [
      [{ ...point, instance: 'victim-9' }, 'instance'],
      [{ ...point, point: 'victim.nowhere' }, 'point'],
      [{ ...point, point: 'process.tick' }, 'action'],
      [{ kind: 'link', from: 'a', to: 'b', toxic: 'down', seconds: 1 }, 'kind'],
      [{ kind: 'part', action: 'redis.flush', seconds: 1 }, 'action'],
      [{ kind: 'control', control: 'nothing.known', seconds: 1 }, 'control'],
    ] as const) {
      const answer = await chaos.call('POST', '/experiment', behind({ at: 1, fault }));
      assert.deepEqual(refusal(answer), [422, `steps.1.fault.${field}`], JSON.stringify(answer.body));
      assert.ok((answer.body as { detail: string }).detail.startsWith(`steps.1.fault.${field}: `));
    }
    await untouched(chaos);
  });

  it('is refused with the field that is wrong', async () => {
    for (const [body, field] of [
      [{ ...whole, seed: -1 }, 'seed'],
      [{ ...whole, seed: 1.5 }, 'seed'],
      [{ ...whole, seed: 4_294_967_296 }, 'seed'],
      [{ ...whole, seconds: 3_601 }, 'seconds'],
      [{ ...whole, seconds: 0 }, 'seconds'],
      [{ ...whole, version: 2 }, 'version'],
      [{ ...whole, name: '' }, 'name'],
      [{ ...whole, name: 'x'.repeat(81) }, 'name'],
      [{ ...whole, more: 1 }, 'more'],
      [{ ...whole, steps: Array.from({ length: 2_001 }, () => ({ at: 0, load })) }, 'steps'],
      [{ ...whole, steps: {} }, 'steps'],
      [behind({ at: 60.1, fault: point }), 'steps.1.at'],
      [behind({ at: 61, load }), 'steps.1.at'],
      [behind({ at: -1, fault: point }), 'steps.1.at'],
      [behind({ at: -0.5, load }), 'steps.1.at'],
      [behind({ at: '5', load }), 'steps.1.at'],
      [behind({ at: 0, load: { ...load, ordersPerSecond: 301 } }), 'steps.1.load.ordersPerSecond'],
      [behind({ at: 0, load: { ordersPerSecond: 1 } }), 'steps.1.load.declined'],
      [behind({ at: 0, fault: { ...point, seconds: 121 } }), 'steps.1.fault.seconds'],
      [behind({ at: 0, fault: { kind: 'volcano' } }), 'steps.1.fault.kind'],
      [behind({ at: 0, fault: null }), 'steps.1.fault.kind'],
      [behind({ at: 0, load, fault: point }), 'steps.1.load'],
    ] as const) {
      const answer = await chaos.call('POST', '/experiment', body);
      assert.deepEqual(refusal(answer), [422, field], JSON.stringify([answer.body]));
    }
    for (const [body, status] of [
      ['{', 400],
      ['null', 422],
      ['[]', 422],
      [behind(7), 422],
      [behind({ at: 0 }), 422],
      ['"' + 'x'.repeat(600_000) + '"', 413],
    ] as const) {
      assert.equal((await chaos.call('POST', '/experiment', body)).status, status, JSON.stringify(body).slice(0, 100));
    }
    await untouched(chaos);
  });

  it('is refused where it orders from a shop that is not there', async () => {
    const lonely = await bench.start({ INSTANCES: `victim-1=${victim.url}` });
    const answer = await lonely.call('POST', '/experiment', behind({ at: 0, load }));
    assert.deepEqual(refusal(answer), [422, 'steps.1.load']);
    await untouched(lonely);
    await lonely.stop();
  });

  it('is for operators, and so are recordings', async () => {
    for (const [method, path, body] of [
      ['GET', '/experiment', undefined],
      ['GET', '/experiments', undefined],
      ['POST', '/experiment', whole],
      ['DELETE', '/experiment', undefined],
      ['POST', '/recording', undefined],
      ['DELETE', '/recording', undefined],
    ] as const) {
      assert.equal((await chaos.call(method, path, body, null)).status, 401, path);
      assert.equal((await chaos.call(method, path, body, bench.identity.token('customer'))).status, 403, path);
    }
    await untouched(chaos);
  });
});
