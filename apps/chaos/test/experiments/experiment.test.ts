/** Experiments as an operator runs them: steps at their times, healing, judging, stopping. */
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import {
  ExperimentState,
  Experiments,
  Faults,
  LoadState,
  type Experiment,
  type Fault,
  type FaultRequest,
  type Load,
} from '@ballast/contracts';
import { until } from '@ballast/testing';
import { fakeAuditor, type FakeAuditor } from '../fake-auditor.ts';
import { fakeBff, type FakeBff } from '../fake-bff.ts';
import { expectBody, openBench, type Bench, type Controller, type Victim } from '../support.ts';

const noLoad: Load = { ordersPerSecond: 0, declined: 0, readsPerSecond: 0 };

describe('an experiment', () => {
  let bench: Bench;
  let bff: FakeBff;
  let auditor: FakeAuditor;
  let victim: Victim;
  let chaos: Controller;
  before(async () => {
    bench = await openBench();
    [bff, auditor, victim] = await Promise.all([fakeBff(), fakeAuditor(), bench.victim('victim-1')]);
    chaos = await bench.start(settings());
    await until('the auditor was asked', () => auditor.asked > 0);
  });
  afterEach(async () => {
    await chaos.call('DELETE', '/experiment');
    await chaos.call('PUT', '/load', noLoad);
    await chaos.call('DELETE', '/faults');
    await until('no fault is left', async () => (await unfinished()).length === 0);
    auditor.looking = true;
    auditor.verdicts.set(1, {});
  });
  after(async () => {
    await bench.close();
    await bff.close();
    await auditor.close();
  });

  const settings = (): Record<string, string> => ({
    BFF_URL: bff.url,
    AUDITOR_URL: auditor.url,
    INSTANCES: `victim-1=${victim.url}`,
  });
  const point = (more: Partial<Extract<FaultRequest, { kind: 'point' }>> = {}): FaultRequest => ({
    kind: 'point',
    instance: 'victim-1',
    point: 'victim.work',
    action: 'error',
    seconds: 60,
    ...more,
  });
  const experiment = (steps: Experiment['steps'], seconds = 1): Experiment => ({
    version: 1,
    name: 'a test',
    seed: 7,
    seconds,
    steps,
  });
  const begin = async (of: Experiment): Promise<ExperimentState> =>
    expectBody(ExperimentState, 202, await chaos.call('POST', '/experiment', of));
  const state = async (): Promise<ExperimentState> =>
    expectBody(ExperimentState, 200, await chaos.call('GET', '/experiment'));
  const done = (seen: (now: ExperimentState) => void = () => {}): Promise<ExperimentState> =>
    until('it is done', async () => {
      const now = await state();
      seen(now);
      return now.phase === 'done' ? now : null;
    });
  const faults = async (): Promise<Fault[]> => expectBody(Faults, 200, await chaos.call('GET', '/faults')).items;
  const unfinished = async (): Promise<Fault[]> =>
    (await faults()).filter((fault) => fault.state === 'active' || fault.state === 'recovering');
  const load = async (): Promise<LoadState> => expectBody(LoadState, 200, await chaos.call('GET', '/load'));
  const work = async (): Promise<number> => (await fetch(`${victim.url}/work`)).status;

  it('comes with a library', async () => {
    const { items } = expectBody(Experiments, 200, await chaos.call('GET', '/experiments'));
    assert.deepEqual(
      items.map(({ name }) => name),
      ['drill', 'tour in a minute'],
    );
  });

  it('does its steps at their times, heals what is left, and has passed when every verdict is in', async () => {
    assert.equal((await state()).phase, 'idle');
    const steps: Experiment['steps'] = [
      { at: 0.6, fault: point() },
      { at: 0, load: { ordersPerSecond: 20, declined: 0, readsPerSecond: 5 } },
    ];
    const begun = await begin(experiment(steps, 2));
    assert.deepEqual([begun.phase, begun.name, begun.steps, begun.seconds], ['running', 'a test', 2, 2]);
    const phases = new Set<string>();
    const numbers = new Set<number>();
    const ended = await done(({ phase, step }) => {
      phases.add(phase);
      numbers.add(step);
    });
    assert.ok(phases.has('running') && phases.has('judging'), [...phases].join(' '));
    assert.ok(numbers.has(1) && numbers.has(2), [...numbers].join(' '));
    const { result, doing, elapsed } = ended;
    assert.deepEqual([result?.passed, result?.faults, result?.violated, doing], [true, 1, [], 'It has passed']);
    assert.ok(result!.requests >= 10 && result!.failed === 0 && result!.recoveryP50 !== null, JSON.stringify(result));
    assert.equal(elapsed, 2);
    const [fault] = await faults();
    assert.equal(fault?.state, 'healed');
    const after = Date.parse(fault.injectedAt) - Date.parse(ended.startedAt!);
    assert.ok(after >= 590 && after < 2_000, `injected after ${after} ms`);
    const lasted = Date.parse(fault.endedAt!) - Date.parse(fault.injectedAt);
    assert.ok(lasted < 30_000, `it lasted ${lasted} ms, and not its whole minute`);
    assert.deepEqual((await load()).load, noLoad);
  });

  it('is one at a time: a second one is refused, and the first goes on', async () => {
    await begin(experiment([{ at: 0, fault: point() }], 60));
    const refused = await chaos.call('POST', '/experiment', { ...experiment([]), name: 'another' });
    assert.equal(refused.status, 409);
    assert.match((refused.body as { detail: string }).detail, /Another experiment is running/);
    const now = await state();
    assert.deepEqual([now.phase, now.name], ['running', 'a test']);
    await chaos.call('DELETE', '/experiment');
    const both = await Promise.all(
      [1, 2].map(() => chaos.call('POST', '/experiment', experiment([{ at: 0, fault: point() }], 60))),
    );
    assert.deepEqual(new Set(both.map(({ status }) => status)), new Set([202, 409]));
  });

  it('heals what it has broken when it is stopped, and ends its load', async () => {
    const steps: Experiment['steps'] = [
      { at: 0, load: { ordersPerSecond: 10, declined: 0, readsPerSecond: 0 } },
      { at: 0, fault: point() },
      { at: 50, fault: point({ point: 'http.request' }) },
    ];
    await begin(experiment(steps, 60));
    await until('it fails', async () => (await work()) === 500);
    const stopped = expectBody(ExperimentState, 200, await chaos.call('DELETE', '/experiment'));
    assert.deepEqual([stopped.phase, stopped.doing], ['stopped', 'It was stopped']);
    await until('it works', async () => (await work()) === 200);
    assert.deepEqual((await load()).load, noLoad);
    assert.deepEqual(expectBody(ExperimentState, 200, await chaos.call('DELETE', '/experiment')).phase, 'stopped');
    const [fault] = await faults();
    assert.equal((await chaos.healed(fault!.id)).state, 'healed');
    await begin(experiment([], 60));
  });

  it('does steps of the same second in the order they are written in', async () => {
    const orders = (ordersPerSecond: number): { at: number; load: Load } => ({
      at: 0.3,
      load: { ...noLoad, ordersPerSecond },
    });
    const steps: Experiment['steps'] = [
      { at: 0.3, fault: point() },
      orders(3),
      { at: 0.3, fault: point({ action: 'delay', milliseconds: 30 }) },
      orders(1),
      { at: 0, load: { ...noLoad, ordersPerSecond: 9 } },
      { at: 0.3, fault: point({ action: 'delay', milliseconds: 20 }) },
      orders(2),
    ];
    await begin(experiment(steps, 60));
    await until('all are done', async () => (await state()).step === 7);
    await until('one is left', async () => (await unfinished()).length === 1);
    const [last, second, first] = await faults();
    assert.deepEqual(
      [first, second, last].map((fault) => (fault!.request as { milliseconds?: number }).milliseconds),
      [undefined, 30, 20],
    );
    assert.deepEqual([first!.state, second!.state, last!.state], ['healed', 'healed', 'active']);
    assert.equal((await load()).load.ordersPerSecond, 2);
    assert.equal(await work(), 200);
  });

  it('has not passed when an invariant was violated, also where that was over before its end', async () => {
    await begin(experiment([], 3));
    auditor.verdicts.set(1, { state: 'violated', violations: 1, violatedSince: new Date().toISOString() });
    const looks = auditor.asked;
    await until('it was looked at', () => auditor.asked >= looks + 2);
    auditor.verdicts.set(1, { violations: 1 });
    const { result, doing } = await done();
    assert.deepEqual([result?.passed, result?.violated, doing], [false, [1], 'It has not passed: violated: 1']);
    // What was counted before is not the next one's doing.
    await begin(experiment([]));
    assert.equal((await done()).result?.passed, true);
  });

  it('has not passed when an accepted order is not there', async () => {
    bff.existing.clear();
    await begin(experiment([{ at: 0, load: { ...noLoad, ordersPerSecond: 20 } }], 2));
    await until('some are accepted', () => bff.existing.size > 3);
    bff.existing.delete([...bff.existing][0]!);
    const { result } = await done();
    assert.deepEqual([result?.passed, result?.violated], [false, [7]]);
  });

  it('waits for verdicts on what is now, not on what was', async () => {
    await begin(experiment([]));
    auditor.looking = false;
    await until('it waits', async () => /not looked at since/.test((await state()).doing));
    auditor.looking = true;
    assert.equal((await done()).result?.passed, true);
  });

  it('takes its faults back when the controller ends', async () => {
    const leaving = await bench.start(settings());
    await leaving.call('POST', '/experiment', experiment([{ at: 0, fault: point() }], 60));
    await until('it fails', async () => (await work()) === 500);
    await leaving.stop();
    assert.equal(await work(), 200);
  });

  it('is made from what is done by hand, and does it again', async () => {
    const recording = async (): Promise<ExperimentState['recording']> => (await state()).recording;
    assert.equal((await chaos.call('DELETE', '/recording')).status, 409);
    assert.equal((await chaos.call('POST', '/recording')).status, 200);
    assert.equal((await chaos.call('POST', '/recording')).status, 409);
    assert.equal((await recording())?.steps, 0);
    const since = Date.parse((await recording())!.since);
    await chaos.call('PUT', '/load', { ...noLoad, ordersPerSecond: 4 });
    const fault = await chaos.inject(point());
    await chaos.call('DELETE', `/faults/${fault.id}`);
    // What an experiment does is not done by hand.
    await begin(experiment([{ at: 0, fault: point({ point: 'http.request', action: 'delay' }) }], 60));
    await until('it is injected', async () => (await faults())[0]?.title.includes('http.request') === true);
    await chaos.call('DELETE', '/experiment');
    const answer = await chaos.call('DELETE', '/recording');
    assert.equal(answer.status, 200);
    const recorded = answer.body as Experiment;
    assert.equal(await recording(), null);
    const [first, second, ...rest] = recorded.steps;
    assert.deepEqual([first, rest], [{ at: first!.at, load: { ...noLoad, ordersPerSecond: 4 } }, []]);
    const { seconds } = (second as { fault: FaultRequest }).fault;
    assert.deepEqual(second, { at: second!.at, fault: { ...fault.request, seconds } });
    assert.ok(seconds >= 1 && seconds <= 10, `${seconds} s`);
    assert.ok(Math.abs(second.at * 1_000 - (Date.parse(fault.injectedAt) - since)) <= 100, `${second.at} s`);

    const known = (await faults()).length;
    await begin(recorded);
    await until('it is broken again', async () => (await faults()).length > known);
    assert.deepEqual((await faults())[0]!.request, { ...fault.request, seconds });
    assert.equal((await load()).load.ordersPerSecond, 4);
  });
});
