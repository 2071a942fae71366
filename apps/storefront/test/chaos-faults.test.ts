/** Faults on `/chaos`: what can be chosen is what the contract takes, and what they did is told as it was measured. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  FaultRequest,
  partActions,
  phases as contractPhases,
  outboxPoint as contractOutbox,
  tickPoint as contractTick,
  toxicTypes,
} from '@ballast/contracts';
import type { Fault, LivePhase } from '@ballast/contracts';
import { Value } from 'typebox/value';
import { longestFile, readExperiment } from '../src/chaos/experiment-file.ts';
import { fileNameOf } from '../src/chaos/experiment-name.ts';
import { optionsFor, targetName } from '../src/chaos/fault-options.ts';
import type { Target } from '../src/chaos/fault-options.ts';
import { impactOfAll } from '../src/chaos/impact.ts';
import { momentary, outboxPoint, phases, tickPoint, toxics } from '../src/chaos/names.ts';
import { initialValues, requestFor } from '../src/chaos/options.ts';
import { durationOrNothing, failedOf, secondsLeft, shareLeft, sortFaults } from '../src/chaos/receipts.ts';
import { stretchesOf, timeInPhases } from '../src/chaos/timeline.ts';
import { impactOf } from '../src/chaos/words.ts';
import { createWorld } from './fake/world.ts';

const world = createWorld(() => 0.5);
const { targets } = world;
const everything: Target[] = [
  ...world.nodes().map(({ name }): Target => ({ kind: 'node', name })),
  ...targets.links.map(({ from, to }): Target => ({ kind: 'link', from, to })),
  { kind: 'controls', invariant: null },
];
const optionsOf = (target: Target) => optionsFor(target, targets).flatMap(({ options }) => options);
const option = (target: Target, id: string) => {
  const found = optionsOf(target).find((known) => known.id === id);
  assert.ok(found, id);
  return found;
};

describe('what can be broken', () => {
  it('knows the names of the contract', () => {
    assert.deepEqual([...toxics].toSorted(), [...toxicTypes].toSorted());
    assert.deepEqual(phases, contractPhases);
    assert.equal(tickPoint, contractTick);
    assert.equal(outboxPoint, contractOutbox);
    for (const action of momentary) assert.ok(partActions.includes(action), action);
  });

  it('becomes a request the contract takes and a sentence, for every option of everything there is', () => {
    let count = 0;
    for (const target of everything) {
      for (const known of optionsOf(target)) {
        const request = requestFor(known, initialValues(known), 30);
        assert.ok(Value.Check(FaultRequest, request), `${targetName(target)}: ${JSON.stringify(request)}`);
        assert.doesNotMatch(impactOf(request), /undefined|NaN|\*/);
        count += 1;
      }
    }
    assert.ok(count > 400, `${count} options`);
  });

  it('offers messages only of who tells some, and logins only of who borrows them', () => {
    const offered = (name: string, action: string): boolean =>
      optionsOf({ kind: 'node', name }).some(({ id }) => id === `${name}.${action}`);
    const leased = (name: string): boolean => targets.links.some(({ from, to }) => from === name && to === 'vault');
    for (const { instance, points } of targets.instances) {
      for (const action of ['message.poison', 'message.duplicate'])
        assert.equal(offered(instance, action), points.includes(outboxPoint), `${instance} ${action}`);
      assert.equal(offered(instance, 'vault.revoke-leases'), leased(instance), instance);
    }
    assert.deepEqual([offered('payments', 'message.poison'), offered('bff', 'message.poison')], [true, false]);
  });

  it('has one radio button for each option', () => {
    for (const target of everything) {
      const ids = optionsOf(target).map(({ id }) => id);
      assert.equal(new Set(ids).size, ids.length, targetName(target));
    }
  });

  it('stays within what the contract allows, whatever somebody types', () => {
    const latency = option({ kind: 'link', from: 'payments', to: 'rabbitmq' }, 'link.payments.rabbitmq.latency');
    const request = requestFor(latency, { latency: 1e12, jitter: -5, share: 0, stream: 'nonsense' }, 4_000);
    assert.ok(Value.Check(FaultRequest, request));
    assert.deepEqual(request, {
      kind: 'link',
      from: 'payments',
      to: 'rabbitmq',
      toxic: 'latency',
      stream: 'downstream',
      toxicity: 0.01,
      attributes: { latency: 30_000, jitter: 0 },
      seconds: 120,
    });
  });

  it('cuts a link without a direction, and kills once', () => {
    const cut = option({ kind: 'link', from: 'payments', to: 'rabbitmq' }, 'link.payments.rabbitmq.down');
    assert.deepEqual(requestFor(cut, {}, 20), {
      kind: 'link',
      from: 'payments',
      to: 'rabbitmq',
      toxic: 'down',
      seconds: 20,
    });
    const kill = option({ kind: 'node', name: 'checkout-1' }, 'checkout-1.crash');
    assert.equal(kill.lasts, false);
    assert.deepEqual(requestFor(kill, {}, 20), {
      kind: 'point',
      instance: 'checkout-1',
      point: 'process.tick',
      action: 'crash',
      times: 1,
      seconds: 1,
    });
  });

  it('asks for a length only where something lasts, and tells no times where each counts', () => {
    const point = option({ kind: 'node', name: 'checkout-1' }, 'checkout-1.point');
    const values = { point: 'checkout.after-commit', action: 'delay', milliseconds: 250, times: 0 };
    assert.deepEqual(requestFor(point, values, 10), {
      kind: 'point',
      instance: 'checkout-1',
      point: 'checkout.after-commit',
      action: 'delay',
      milliseconds: 250,
      seconds: 10,
    });
    const failing = requestFor(point, { ...values, action: 'error', times: 3 }, 10);
    assert.ok(!('milliseconds' in failing));
    assert.ok('times' in failing && failing.times === 3);
  });

  it('shows what cannot be done here with the reason, and the controls of one invariant alone', () => {
    const alarm = option({ kind: 'node', name: 'rabbitmq' }, 'rabbitmq.rabbitmq.memory-alarm');
    assert.equal(alarm.unavailable, 'rabbitmqctl is not at hand here');
    assert.deepEqual(
      optionsOf({ kind: 'controls', invariant: 4 }).map(({ id }) => id),
      ['control.fake.control-4'],
    );
  });
});

const fault = (more: Omit<Partial<Fault>, 'receipt'> & { receipt?: Partial<Fault['receipt']> } = {}): Fault => ({
  id: 'one',
  request: { kind: 'link', from: 'checkout-1', to: 'rabbitmq', toxic: 'down', seconds: 30 },
  title: '',
  nodes: ['checkout-1', 'rabbitmq'],
  links: ['checkout-1>rabbitmq'],
  state: 'active',
  injectedAt: '2026-11-21T09:00:00.000Z',
  until: '2026-11-21T09:00:30.000Z',
  endedAt: null,
  detail: null,
  ...more,
  receipt: {
    requests: 120,
    failed: 3,
    p50: 4.2,
    p95: null,
    outage: 820,
    kind: 'broker-connection',
    recovery: null,
    ...more.receipt,
  },
});
const phase = (name: LivePhase['phase'], reason = ''): LivePhase => ({ phase: name, since: '', reason, history: [] });
const topology = { nodes: world.nodes(), links: [] };

describe('what faults do to callers', () => {
  it('is said in a sentence', () => {
    assert.deepEqual(impactOfAll([fault()], phase('DEGRADED'), topology), {
      tone: 'bad',
      text: 'checkout-1 cannot reach rabbitmq; 3 of 120 requests failed.',
    });
    const quiet = fault({ receipt: { requests: 0, failed: 0 } });
    assert.equal(
      impactOfAll([quiet], phase('INJECT'), topology).text,
      'checkout-1 cannot reach rabbitmq; no requests since.',
    );
  });

  it('names three of many, and counts requests since the oldest', () => {
    const many = [1, 2, 3, 4, 5].map((number) =>
      fault({
        id: String(number),
        injectedAt: `2026-11-21T09:00:0${9 - number}.000Z`,
        receipt: { requests: number, failed: 0 },
      }),
    );
    assert.match(impactOfAll(many, phase('DEGRADED'), topology).text, /; and 2 more; none of 5 requests failed\.$/);
  });

  it('says what is waited for while it recovers, and that nothing is broken afterwards', () => {
    const recovering = impactOfAll([fault({ state: 'recovering' })], phase('RECOVERING'), topology);
    assert.equal(recovering.text, 'Healed; waiting for checkout-1, rabbitmq.');
    assert.deepEqual(impactOfAll([fault({ state: 'healed' })], phase('STEADY'), topology), {
      tone: 'good',
      text: 'Nothing is broken. 13 of 13 are ready.',
    });
  });

  it('does not say that all is well while something is not ready', () => {
    const [first, ...others] = topology.nodes;
    assert.ok(first);
    const down = { ...topology, nodes: [{ ...first, state: 'unreachable' as const }, ...others] };
    assert.equal(impactOfAll([], phase('STEADY'), down).text, 'No fault is active; not ready: bff.');
  });
});

describe('receipts', () => {
  it('have a dash where nothing was measured', () => {
    assert.equal(durationOrNothing(null), '–');
    assert.equal(durationOrNothing(0), '0 ms');
    assert.equal(failedOf(fault()), '3 of 120');
    assert.equal(failedOf(fault({ receipt: { requests: 0, failed: 0 } })), '–');
  });

  it('count down and never below nothing', () => {
    const end = Date.parse(fault().until);
    assert.equal(secondsLeft(fault(), end - 4_200), 5);
    assert.equal(secondsLeft(fault(), end + 9_000), 0);
    assert.equal(shareLeft(fault(), end - 15_000), 0.5);
    assert.equal(shareLeft(fault(), end + 1), 0);
  });

  it('list active faults by their end and ended ones by their beginning', () => {
    const faults = [
      fault({ id: 'late', until: '2026-11-21T09:09:00.000Z' }),
      fault({ id: 'early', until: '2026-11-21T09:01:00.000Z' }),
      fault({ id: 'old', state: 'healed', injectedAt: '2026-11-21T08:00:00.000Z' }),
      fault({ id: 'new', state: 'failed', injectedAt: '2026-11-21T08:30:00.000Z' }),
      fault({ id: 'oldest', state: 'healed', injectedAt: '2026-11-21T07:00:00.000Z' }),
    ];
    const { active, ended } = sortFaults(faults, 2);
    assert.deepEqual(
      active.map(({ id }) => id),
      ['early', 'late'],
    );
    assert.deepEqual(
      ended.map(({ id }) => id),
      ['new', 'old'],
    );
  });
});

describe('the band of phases', () => {
  const start = Date.parse('2026-11-21T09:00:00.000Z');
  const at = (second: number): string => new Date(start + second * 1_000).toISOString();
  const past: LivePhase = {
    ...phase('RECOVERING'),
    history: [
      { phase: 'STEADY', at: at(-600) },
      { phase: 'INJECT', at: at(30) },
      { phase: 'DEGRADED', at: at(40) },
      { phase: 'DEGRADED', at: at(50) },
      { phase: 'RECOVERING', at: at(80) },
    ],
  };

  it('shows the last minutes, the same phases joined', () => {
    const stretches = stretchesOf(past, start + 100_000, 100_000);
    assert.deepEqual(
      stretches.map(({ phase: name, start: left, width }) => [name, left, width]),
      [
        ['STEADY', 0, 30],
        ['INJECT', 30, 10],
        ['DEGRADED', 40, 40],
        ['RECOVERING', 80, 20],
      ],
    );
    assert.deepEqual(timeInPhases(stretches), { STEADY: 30_000, INJECT: 10_000, DEGRADED: 40_000, RECOVERING: 20_000 });
  });

  it('leaves empty what was before anything was known', () => {
    const [first] = stretchesOf({ ...past, history: [{ phase: 'STEADY', at: at(0) }] }, start + 50_000, 100_000);
    assert.deepEqual([first?.start, first?.width], [50, 50]);
  });
});

describe('experiments as files', () => {
  const experiment = {
    version: 1,
    name: 'Half the mesh is down!',
    seed: 7,
    seconds: 60,
    steps: [
      { at: 0, load: { ordersPerSecond: 20, declined: 0.2, readsPerSecond: 0 } },
      {
        at: 5,
        fault: {
          kind: 'link',
          from: 'payments',
          to: 'rabbitmq',
          toxic: 'latency',
          attributes: { latency: 400 },
          seconds: 20,
        },
      },
    ],
  };

  it('are taken in when they are what the contract says', () => {
    assert.deepEqual(readExperiment(JSON.stringify(experiment)), { experiment, problem: null });
  });

  it('are refused with a sentence that says where they are wrong', () => {
    const problemOf = (value: unknown) =>
      readExperiment(typeof value === 'string' ? value : JSON.stringify(value)).problem;
    assert.match(problemOf('{') ?? '', /^This is not JSON/);
    assert.match(problemOf({ ...experiment, seed: -1 }) ?? '', /^This is not an experiment: seed /);
    assert.match(problemOf({ ...experiment, extra: true }) ?? '', /^This is not an experiment/);
    assert.match(problemOf({ ...experiment, steps: [{ at: 1, fault: { kind: 'magic' } }] }) ?? '', /steps\.0/);
    assert.match(problemOf({ ...experiment, seconds: 3 }) ?? '', /1 of its 2 steps would come after its end/);
    assert.match(problemOf([]) ?? '', /^This is not an experiment/);
  });

  it('may be as long as the contract allows', () => {
    const [, step] = experiment.steps;
    const longest = JSON.stringify({ ...experiment, steps: Array.from({ length: 2_000 }, () => step) }, null, 2);
    assert.ok(longest.length < longestFile);
    assert.equal(readExperiment(longest).problem, null);
  });

  it('are exported under a name every file system takes', () => {
    assert.equal(fileNameOf(experiment.name), 'half-the-mesh-is-down.json');
    assert.equal(fileNameOf('../../etc/passwd'), 'etc-passwd.json');
    assert.equal(fileNameOf('!!!'), 'experiment.json');
  });
});
