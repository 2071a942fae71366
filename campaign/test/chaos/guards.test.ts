/** When a run counts, and when what was broken was mended in time. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { faultsFor, guards, recoveryFigures, type Evidence } from '../../src/chaos/guards.ts';
import { isPassed } from '../../src/chaos/report.ts';

const good: Evidence = {
  faultsWanted: 60,
  faults: 60,
  calmOrders: { all: 100, accepted: 90 },
  sagas: { all: 1_000, touched: 200, completed: 100, compensated: 100 },
  invariants: { all: 13, neverKnown: [] },
};
const unmet = (evidence: Evidence): string[] => guards(evidence).flatMap(({ name, met }) => (met ? [] : [name]));

describe('a run', () => {
  it('counts at its guards’ very edges', () => {
    assert.deepEqual(unmet(good), []);
  });

  for (const [what, evidence, name] of [
    ['too few faults', { ...good, faults: 59 }, 'faults injected'],
    [
      'too many orders refused while nothing was broken',
      { ...good, calmOrders: { all: 100, accepted: 89 } },
      'of them answered 2xx at once',
    ],
    [
      'too few sagas under a fault',
      { ...good, sagas: { ...good.sagas, touched: 199 } },
      'sagas in flight during a fault',
    ],
    ['hardly any order completed', { ...good, sagas: { ...good.sagas, completed: 99 } }, 'sagas completed'],
    ['hardly any order compensated', { ...good, sagas: { ...good.sagas, compensated: 99 } }, 'sagas compensated'],
    [
      'an invariant nobody could look at',
      { ...good, invariants: { all: 13, neverKnown: [4] } },
      'invariants that were looked at',
    ],
    ['no invariant at all', { ...good, invariants: { all: 0, neverKnown: [] } }, 'invariants that were looked at'],
  ] as const) {
    it(`is hollow with ${what}`, () => {
      assert.deepEqual(unmet(evidence), [name]);
    });
  }

  it('is hollow when nothing happened', () => {
    const nothing: Evidence = {
      faultsWanted: 1,
      faults: 0,
      calmOrders: { all: 0, accepted: 0 },
      sagas: { all: 0, touched: 0, completed: 0, compensated: 0 },
      invariants: { all: 0, neverKnown: [] },
    };
    assert.equal(unmet(nothing).length, guards(nothing).length);
  });

  it('must have sixty faults in five minutes, and as many fewer as it is shorter', () => {
    assert.equal(faultsFor(300), 60);
    assert.equal(faultsFor(30), 6);
    assert.equal(faultsFor(10), 2);
    assert.equal(faultsFor(1), 1);
  });
});

describe('recovery', () => {
  const recovery = (kind: string, milliseconds: number, alone = true) => ({
    kind,
    title: `${kind} ${milliseconds}`,
    milliseconds,
    alone,
  });

  it('is held to its bound by what had the mesh to itself', () => {
    const figures = recoveryFigures([
      recovery('redis', 2_000),
      recovery('redis', 9_000, false),
      recovery('link', 60_000),
    ]);
    assert.deepEqual(
      figures.map(({ kind, all, alone, p99, p99OfAll, bound, kept }) => ({
        kind,
        all,
        alone,
        p99,
        p99OfAll,
        bound,
        kept,
      })),
      [
        { kind: 'link', all: 1, alone: 1, p99: 60_000, p99OfAll: 60_000, bound: null, kept: true },
        { kind: 'redis', all: 2, alone: 1, p99: 2_000, p99OfAll: 9_000, bound: 2_000, kept: true },
      ],
    );
  });

  it('misses it by a millisecond, and says what was slowest', () => {
    const [figures] = recoveryFigures([recovery('process', 3_001), recovery('process', 5)]);
    assert.equal(figures!.kept, false);
    assert.equal(figures!.slowest, 'process 3001');
    assert.equal(figures!.p50, 5);
  });

  it('says nothing where everything was disturbed', () => {
    const [figures] = recoveryFigures([recovery('vault', 99_000, false)]);
    assert.equal(figures!.p99, null);
    assert.equal(figures!.kept, true);
  });
});

describe('the verdict', () => {
  const recovery = recoveryFigures([{ kind: 'redis', title: '', milliseconds: 1, alone: true }]);
  const whole = { recovery, guards: guards(good), violations: [] };

  it('is good only with no violation, every guard met and every bound kept', () => {
    assert.ok(isPassed(whole));
    assert.ok(!isPassed({ ...whole, violations: [{ invariant: 'stock', detail: '' }] }));
    assert.ok(!isPassed({ ...whole, guards: guards({ ...good, faults: 0 }) }));
    assert.ok(!isPassed({ ...whole, recovery: [{ ...recovery[0]!, kept: false }] }));
  });
});
