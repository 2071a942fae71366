/** What speaks for an experiment and what against it. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Fault, Verdict, Verdicts } from '@ballast/contracts';
import { judge, looksOf, reasonsAgainst, unsettled, violatedSince, type Outcome } from '../../src/domain/judgement.ts';
import { verdict } from '../fake-auditor.ts';

const verdicts = (...items: Verdict[]): Verdicts => ({
  at: '2026-11-21T12:00:00.000Z',
  items,
  faults: 'none',
  lastHealAt: null,
});
const looked = Date.parse('2026-11-21T12:00:00.000Z');
const checkedAt = new Date(looked).toISOString();

const fault = (state: Fault['state'], recovery: number | null): Fault => ({
  id: 'id',
  request: { kind: 'part', action: 'redis.flush', seconds: 1 },
  title: 'Redis forgets everything',
  nodes: [],
  links: [],
  state,
  injectedAt: checkedAt,
  until: checkedAt,
  endedAt: checkedAt,
  detail: null,
  receipt: { requests: 0, failed: 0, p50: null, p95: null, outage: null, kind: 'redis', recovery },
});
const outcome = (more: Partial<Outcome> = {}): Outcome => ({
  faults: [fault('healed', 100)],
  notDone: 0,
  violated: new Set(),
  open: [],
  lostOrders: 0,
  requests: 10,
  failed: 1,
  ...more,
});

describe('an invariant', () => {
  const before = looksOf(verdicts(verdict(1, { checks: 10, violations: 2 }), verdict(2, { checks: 10 })));

  it('was violated when it is violated now, or its violations have become more', () => {
    const now = verdicts(
      verdict(1, { checks: 20, violations: 3 }),
      verdict(2, { checks: 20 }),
      verdict(3, { checks: 20, violations: 1, state: 'violated' }),
    );
    assert.deepEqual(violatedSince(before, now), [1, 3]);
  });

  it('was not violated by what was counted before', () => {
    assert.deepEqual(violatedSince(before, verdicts(verdict(1, { checks: 20, violations: 2 }))), []);
    assert.deepEqual(violatedSince(looksOf(null), verdicts(verdict(1))), []);
    assert.deepEqual(violatedSince(before, null), []);
  });

  it('was violated also where an auditor that was started anew has counted as many as the one before', () => {
    for (const violations of [1, 2, 3]) {
      assert.deepEqual(violatedSince(before, verdicts(verdict(1, { checks: 4, violations }))), [1], `${violations}`);
    }
    assert.deepEqual(violatedSince(before, verdicts(verdict(1, { checks: 4, violations: 0 }))), []);
  });
});

describe('a verdict', () => {
  it('is not in while it settles, is unknown, or is older than what it is asked about', () => {
    const now = verdicts(
      verdict(1, { checkedAt }),
      verdict(2, { checkedAt, state: 'settling', title: 'Stock' }),
      verdict(3, { checkedAt, state: 'unknown', title: 'Money' }),
      verdict(4, { checkedAt, state: 'violated' }),
    );
    assert.deepEqual(unsettled(now, looked), ['2 Stock (settling)', '3 Money (unknown)']);
    assert.equal(unsettled(now, looked + 1).length, 4);
    assert.deepEqual(unsettled(verdicts(verdict(1, { checkedAt: null })), 0).length, 1);
  });

  it('is not in where nobody judges, or nothing is judged', () => {
    assert.deepEqual(unsettled(null, 0), ['the auditor']);
    assert.deepEqual(unsettled(verdicts(), 0), ['the auditor']);
  });
});

describe('an experiment', () => {
  it('has passed when nothing speaks against it', () => {
    assert.deepEqual(judge(outcome()), {
      passed: true,
      faults: 1,
      requests: 10,
      failed: 1,
      violated: [],
      recoveryP50: 100,
      recoveryP99: 100,
    });
    assert.equal(judge(outcome({ faults: [] })).passed, true);
  });

  it('has not passed for any single reason, and says which', () => {
    for (const [more, reason] of [
      [{ violated: new Set([7, 10, 3]) }, 'violated: 3, 7, 10'],
      [{ faults: [fault('healed', 1), fault('failed', null)] }, 'Redis forgets everything: failed'],
      [{ faults: [fault('recovering', null)] }, 'Redis forgets everything: recovering'],
      [{ notDone: 2 }, '2 of its steps could not be done'],
      [{ open: ['1 Stock (settling)'] }, 'no end of 1 Stock (settling)'],
      [{ lostOrders: null }, 'nobody says whether accepted orders exist'],
    ] as const) {
      assert.deepEqual(reasonsAgainst(outcome(more)), [reason]);
      assert.equal(judge(outcome(more)).passed, false, reason);
    }
  });

  it('counts faults that took effect, and recoveries that are known, by nearest rank', () => {
    const faults = [...Array.from({ length: 100 }, (_, place) => fault('healed', 100 - place)), fault('failed', null)];
    const result = judge(outcome({ faults }));
    assert.deepEqual([result.faults, result.recoveryP50, result.recoveryP99], [100, 50, 99]);
    const none = judge(outcome({ faults: [fault('recovering', null)] }));
    assert.deepEqual([none.recoveryP50, none.recoveryP99], [null, null]);
  });

  it('names the invariants in order', () => {
    assert.deepEqual(judge(outcome({ violated: new Set([10, 7, 9]) })).violated, [7, 9, 10]);
  });
});
