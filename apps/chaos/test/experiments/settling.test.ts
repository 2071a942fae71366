/** How an experiment ends when what it needs is late, lost or stubborn: it never passes by mistake, and leaves nothing broken. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import type { Experiment, ExperimentState, FaultRequest, Load, LoadState, Verdicts } from '@ballast/contracts';
import { ProblemError } from '@ballast/service';
import { until } from '@ballast/testing';
import { createRunner, type Runner } from '../../src/experiments/runner.ts';
import { createFaults, type Faults } from '../../src/faults/engine.ts';
import type { Plan } from '../../src/faults/lever.ts';
import { createJournal } from '../../src/journal.ts';
import type { AcceptedOrder, LoadGenerator } from '../../src/load/load.ts';
import { createChaosState, type ChaosState } from '../../src/state.ts';
import { verdict } from '../fake-auditor.ts';

const request: FaultRequest = { kind: 'part', action: 'redis.freeze', seconds: 60 };
const someLoad: Load = { ordersPerSecond: 5, declined: 0, readsPerSecond: 0 };

describe('an experiment', () => {
  let state: ChaosState;
  let faults: Faults;
  let runner: Runner;
  let complaints: string[];
  let broken: number;
  let lever: { plan: () => Promise<void>; inject: () => Promise<void>; lasts: boolean };
  let load: { now: Load; inFlight: number; accepted: AcceptedOrder[]; set: (load: Load) => void };
  let notReady: string[];
  let missing: () => Promise<string[]>;
  beforeEach(() => {
    state = createChaosState([]);
    [broken, complaints, notReady] = [0, [], []];
    lever = { plan: async () => {}, inject: async () => {}, lasts: true };
    load = {
      now: { ordersPerSecond: 0, declined: 0, readsPerSecond: 0 },
      inFlight: 0,
      accepted: [],
      set: (next) => {
        load.now = next;
      },
    };
    missing = async () => [];
    const plan = (): Plan => ({
      title: 'Redis answers nobody',
      nodes: [],
      links: [],
      kind: 'redis',
      lasts: lever.lasts,
      exclusive: null,
      inject: async () => {
        await lever.inject();
        broken += 1;
      },
      end: async () => {
        broken -= 1;
      },
      waiting: async () => [],
    });
    const report = (what: string): void => void complaints.push(what);
    faults = createFaults({
      plan: async () => {
        await lever.plan();
        return plan();
      },
      state,
      report,
    });
    const loadState = (): LoadState => ({
      load: load.now,
      inFlight: load.inFlight,
      sent: 0,
      accepted: 0,
      refused: 0,
      failed: 0,
      skipped: 0,
    });
    const generator: LoadGenerator = {
      set: (next) => {
        load.set(next);
        return loadState();
      },
      state: loadState,
      seed: () => {},
      accepted: () => load.accepted,
      start: () => {},
      stop: () => {},
    };
    runner = createRunner({
      faults,
      check: async () => {},
      load: generator,
      journal: createJournal(),
      state,
      notReady: async () => notReady,
      missing: () => missing(),
      recording: () => null,
      report,
      patienceMs: 700,
    });
    holds();
  });
  afterEach(async () => {
    runner.stop();
    await faults.close(0);
  });

  const judged = (more: Partial<Parameters<typeof verdict>[1]> = {}): Verdicts => ({
    at: new Date().toISOString(),
    // As if it had just been looked at, whenever it is asked.
    items: [verdict(1, { checkedAt: new Date(Date.now() + 60_000).toISOString(), ...more })],
    faults: 'none',
    lastHealAt: null,
  });
  const holds = (): void => state.set('verdicts', judged());
  const experiment = (steps: Experiment['steps'], seconds = 1): Experiment => ({
    version: 1,
    name: 'a test',
    seed: 1,
    seconds,
    steps,
  });
  const begin = (...steps: Experiment['steps']): Promise<ExperimentState> => runner.run(experiment(steps));
  const done = async (): Promise<{ passed: boolean; faults: number; doing: string }> => {
    const { result, doing } = await until('it is done', () => {
      const now = runner.state();
      return now.phase === 'done' ? now : null;
    });
    return { passed: result!.passed, faults: result!.faults, doing };
  };

  it('waits for its last injection, and heals it', async () => {
    const held = Promise.withResolvers<void>();
    lever.plan = () => held.promise;
    const began = performance.now();
    await begin({ at: 0.9, fault: request });
    await until('its time is over', () => performance.now() - began > 1_300);
    assert.equal(runner.state().phase, 'running');
    held.resolve();
    assert.deepEqual(await done(), { passed: true, faults: 1, doing: 'It has passed' });
    assert.equal(broken, 0);
  });

  it('breaks nothing any more once it was stopped', async () => {
    const held = Promise.withResolvers<void>();
    const planned = Promise.withResolvers<void>();
    lever.plan = () => {
      planned.resolve();
      return held.promise;
    };
    const twice = [0, 0.5].map((at) => ({ at, fault: request }));
    await runner.run(experiment(twice, 60));
    await planned.promise;
    assert.equal(runner.stop().phase, 'stopped');
    held.resolve();
    await until('the first was injected and healed', () => faults.list()[0]?.state === 'healed');
    await runner.run(experiment([], 1));
    await done();
    assert.deepEqual([broken, faults.list().length], [0, 1]);
  });

  it('has not passed where a step could not be done', async () => {
    lever.plan = () => Promise.reject(new ProblemError('conflict', 'At most 50 faults at a time.'));
    await begin({ at: 0, fault: request });
    const { passed, doing } = await done();
    assert.deepEqual([passed, doing], [false, 'It has not passed: 1 of its steps could not be done']);
    assert.deepEqual(complaints, ['a step of an experiment could not be done']);
  });

  it('has not passed where a fault took no effect', async () => {
    lever.inject = () => Promise.reject(new Error('no answer in time'));
    await begin({ at: 0, fault: request });
    assert.deepEqual(await done(), {
      passed: false,
      faults: 0,
      doing: 'It has not passed: Redis answers nobody: failed',
    });
  });

  it('knows also of faults that are forgotten elsewhere', async () => {
    lever.lasts = false;
    let injections = 0;
    lever.inject = async () => {
      injections += 1;
      if (injections === 1) throw new Error('no answer in time');
    };
    const steps = Array.from({ length: 215 }, (_, place) => ({ at: place / 100, fault: request }));
    await runner.run(experiment(steps, 3));
    const { passed, faults: counted } = await done();
    assert.deepEqual([passed, counted, faults.list().length], [false, 214, 200]);
  });

  it('waits until the orders under way have ended, and looks for them as well', async () => {
    load.inFlight = 1;
    const looked: number[] = [];
    missing = async () => {
      looked.push(load.accepted.length);
      return [];
    };
    await begin({ at: 0, load: someLoad });
    await until('it waits', () => runner.state().doing === 'Waiting for requests under way');
    assert.equal(load.now.ordersPerSecond, 0);
    load.accepted = [{ orderId: 'late', at: Date.now() }];
    load.inFlight = 0;
    assert.equal((await done()).passed, true);
    assert.deepEqual(looked, [1]);
  });

  it('does not wait for a load that somebody has begun by hand', async () => {
    await begin();
    load.set = () => {};
    load.now = someLoad;
    load.inFlight = 3;
    assert.equal((await done()).passed, true);
  });

  it('has not passed where nobody says whether accepted orders exist', async () => {
    missing = () => Promise.reject(new Error('the bff answered 503'));
    await begin();
    const { passed, doing } = await done();
    assert.deepEqual([passed, doing], [false, 'It has not passed: nobody says whether accepted orders exist']);
    assert.deepEqual(complaints, ['nobody says whether accepted orders exist']);
  });

  it('has not passed when time is up before every verdict is in', async () => {
    for (const [verdicts, open] of [
      [judged({ state: 'settling' }), '1 invariant 1 (settling)'],
      [judged({ state: 'unknown' }), '1 invariant 1 (unknown)'],
      [judged({ checkedAt: new Date().toISOString() }), '1 invariant 1 (not looked at since)'],
      [null, 'the auditor'],
    ] as const) {
      state.set('verdicts', verdicts);
      await begin();
      const { passed, doing } = await done();
      assert.deepEqual([passed, doing], [false, `It has not passed: no end of ${open}`]);
    }
  });

  it('has not passed when time is up before everybody is ready', async () => {
    notReady = ['checkout-1: postgres'];
    await begin();
    const { passed, doing } = await done();
    assert.deepEqual([passed, doing], [false, 'It has not passed: no end of checkout-1: postgres']);
  });

  it('can be stopped at any time until it is done, and begun again', async () => {
    state.set('verdicts', judged({ state: 'settling' }));
    for (const phase of ['running', 'judging'] as const) {
      await begin({ at: 0, fault: request });
      await until(`it is ${phase}`, () => runner.state().phase === phase && faults.list().length > 0);
      assert.equal(runner.stop().phase, 'stopped');
      await until('nothing is broken', () => broken === 0 && !faults.busy());
    }
    notReady = ['checkout-1: postgres'];
    await begin();
    await until('it is healing', () => runner.state().phase === 'healing');
    assert.equal(runner.stop().phase, 'stopped');
    holds();
    notReady = [];
    await begin();
    assert.equal((await done()).passed, true);
  });

  it('ends with everything healed where the controller itself is at fault', async () => {
    load.set = (next) => {
      if (next.ordersPerSecond > 0) throw new Error('a mistake of ours');
    };
    await begin({ at: 0, fault: request }, { at: 0.2, load: someLoad });
    await until('it broke off', () => runner.state().doing === 'It broke off');
    assert.deepEqual([runner.state().phase, runner.running()], ['stopped', false]);
    await until('nothing is broken', () => broken === 0 && !faults.busy());
    assert.deepEqual(complaints, ['an experiment broke off']);
  });
});
