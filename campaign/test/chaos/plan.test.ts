/** The schedule that is drawn from a seed. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Experiment, toxicTypes, type FaultRequest, type FaultTargets } from '@ballast/contracts';
import { shuffled, seededRandom } from '@ballast/testing';
import { Compile } from 'typebox/compile';
import { faultsOf, whatOf } from '../../src/chaos/fault-log.ts';
import { faultsFor } from '../../src/chaos/guards.ts';
import { drawPlan, fingerprintOf } from '../../src/chaos/plan.ts';
import { targets } from './targets.ts';

const seeds = [1, 2, 3, 7, 0, 4_294_967_295];
const plans = seeds.map((seed) => drawPlan({ seed, seconds: 300, targets }));
const all: FaultRequest[] = plans.flatMap(faultsOf);
const faultSteps = (plan: Experiment): { at: number; fault: FaultRequest }[] =>
  plan.steps.flatMap((step) => ('fault' in step ? [step] : []));

const reordered = (): FaultTargets => {
  const random = seededRandom(5);
  return {
    instances: shuffled(targets.instances, random).map((each) => ({ ...each, points: shuffled(each.points, random) })),
    links: shuffled(targets.links, random),
    parts: shuffled(targets.parts, random),
    controls: [],
  };
};

describe('a schedule', () => {
  it('is the same for the same seed, in whatever order the targets are told', () => {
    for (const [index, seed] of seeds.entries()) {
      assert.deepEqual(drawPlan({ seed, seconds: 300, targets: reordered() }), plans[index]);
    }
    assert.equal(fingerprintOf(reordered()), fingerprintOf(targets));
  });

  it('is another one for another seed, and the fingerprint another one for other targets', () => {
    assert.notDeepEqual(plans[0]!.steps, plans[1]!.steps);
    assert.notEqual(fingerprintOf({ ...targets, links: targets.links.slice(1) }), fingerprintOf(targets));
  });

  it('is an experiment that the controller takes', () => {
    const check = Compile(Experiment);
    for (const plan of plans) assert.ok(check.Check(plan), JSON.stringify(check.Errors(plan)[0]));
  });

  it('has at least the faults that a run of its length must have, and one in 2 to 3 seconds while they come', () => {
    for (const plan of plans) {
      const steps = faultSteps(plan);
      assert.ok(steps.length >= faultsFor(300), `${steps.length} faults`);
      const gaps = steps.slice(1).map(({ at }, index) => at - steps[index]!.at);
      const close = gaps.filter((gap) => gap <= 3.05);
      assert.ok(close.length >= 0.75 * gaps.length);
      assert.ok(gaps.every((gap) => gap >= 1.9));
      // On and off: there are times in which none comes.
      assert.ok(gaps.filter((gap) => gap > 7).length >= 5);
    }
    assert.ok(faultsOf(drawPlan({ seed: 1, seconds: 40, targets })).length >= faultsFor(40));
  });

  it('never has more than three at a time, nor two with one target, nor two kills at once', () => {
    for (const plan of plans) {
      const steps = faultSteps(plan);
      for (const { at, fault } of steps) {
        const on = steps.filter((other) => other.at <= at && at < other.at + lasts(other.fault));
        assert.ok(on.length <= 3, `${on.length} at ${at}`);
        const others = on.filter((other) => other.fault !== fault);
        assert.ok(
          others.every((other) => targetOf(other.fault) !== targetOf(fault)),
          `twice ${targetOf(fault)} at ${at}`,
        );
        if (!isKill(fault)) continue;
        const killed = steps.filter(
          (other) =>
            other.fault !== fault && isKill(other.fault) && other.at <= at && at < other.at + lasts(other.fault) + 5,
        );
        assert.deepEqual(killed, []);
      }
    }
  });

  it('lasts from one to ten seconds each, and all are over when it ends', () => {
    for (const plan of plans) {
      for (const { at, fault } of faultSteps(plan)) {
        assert.ok(fault.seconds >= 1 && fault.seconds <= 10);
        assert.ok(at + fault.seconds <= plan.seconds + 1);
      }
    }
    assert.ok(all.some(({ seconds }) => seconds >= 8));
  });

  it('has all kinds: every action at fail points, every toxic in both directions where that matters, every part action', () => {
    const kinds = new Set(all.map(whatOf));
    for (const action of ['crash', 'error', 'delay', 'freeze']) assert.ok(kinds.has(`point ${action}`), action);
    for (const toxic of toxicTypes)
      assert.ok(
        [...kinds].some((kind) => kind.startsWith(`link ${toxic}`)),
        toxic,
      );
    for (const one of ['link drop upstream', 'link drop downstream', 'link reset_peer upstream'])
      assert.ok(kinds.has(one), one);
    for (const { action } of targets.parts) assert.ok(kinds.has(action), action);
  });

  it('aims messages only at who has some', () => {
    const aimed = all.flatMap((fault) =>
      fault.kind === 'part' && fault.action.startsWith('message.') && fault.instance !== undefined
        ? [fault.instance]
        : [],
    );
    const talkers = targets.instances.filter(({ points }) => points.includes('after-publish'));
    assert.deepEqual(new Set(aimed), new Set(talkers.map(({ instance }) => instance)));
  });

  it('has every part action in each run of five minutes', () => {
    for (const plan of plans) {
      const kinds = new Set(faultsOf(plan).map(whatOf));
      assert.deepEqual(
        targets.parts.map(({ action }) => action).filter((action) => !kinds.has(action)),
        [],
      );
    }
  });

  it('aims at every process, every named point and every link in a few runs', () => {
    const ticked = new Set(
      all.flatMap((fault) => (fault.kind === 'point' && fault.point === 'process.tick' ? [fault.instance] : [])),
    );
    const named = new Set(all.flatMap((fault) => (fault.kind === 'point' ? [`${fault.instance} ${fault.point}`] : [])));
    const linked = new Set(all.flatMap((fault) => (fault.kind === 'link' ? [fault.to] : [])));
    const mesh = targets.instances.filter(({ service }) => service !== 'auditor');
    assert.deepEqual(
      mesh.map(({ instance }) => instance).filter((instance) => !ticked.has(instance)),
      [],
    );
    assert.deepEqual(
      mesh
        .flatMap(({ instance, points }) => points.map((point) => `${instance} ${point}`))
        .filter((point) => !named.has(point)),
      [],
    );
    const reached = targets.links.filter(({ from }) => from !== 'chaos').map(({ to }) => to);
    assert.deepEqual(
      reached.filter((to) => !linked.has(to)),
      [],
    );
  });

  it('never holds a control, and never touches who judges and who breaks', () => {
    assert.ok(all.every(({ kind }) => kind !== 'control'));
    const text = JSON.stringify(all);
    assert.ok(!text.includes('"auditor"') && !text.includes('"chaos"'));
  });

  it('leaves out what is not available', () => {
    const without = targets.parts.map((part) =>
      part.action === 'vault.seal' ? { ...part, unavailable: 'no key' } : part,
    );
    const drawn = seeds.flatMap((seed) =>
      faultsOf(drawPlan({ seed, seconds: 300, targets: { ...targets, parts: without } })),
    );
    assert.ok(drawn.every((fault) => whatOf(fault) !== 'vault.seal'));
    const nothing = { instances: [], links: [], parts: [], controls: [] };
    assert.deepEqual(faultsOf(drawPlan({ seed: 1, seconds: 300, targets: nothing })), []);
  });

  it('has load from the start', () => {
    for (const plan of plans) {
      const [first] = plan.steps;
      assert.ok(first !== undefined && 'load' in first && first.at === 0 && first.load.ordersPerSecond > 0);
    }
  });
});

const momentary = /^(redis\.flush|rabbitmq\.close-connections|postgres\.end-backends|vault\.revoke-leases|message\.)/;

function lasts(fault: FaultRequest): number {
  const isMoment =
    (fault.kind === 'part' && momentary.test(fault.action)) ||
    (fault.kind === 'point' && fault.point === 'process.tick' && fault.action === 'crash');
  return isMoment ? 1 : fault.seconds;
}

function targetOf(fault: FaultRequest): string {
  if (fault.kind === 'point') return fault.instance;
  if (fault.kind === 'link') return `links to ${fault.to}`;
  return fault.kind === 'part' ? fault.action.split('.')[0]! : fault.control;
}

const isKill = (fault: FaultRequest): boolean => fault.kind === 'point' && fault.action === 'crash';
