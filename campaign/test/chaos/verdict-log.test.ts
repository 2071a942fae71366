/** What is made of the auditor's answers. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Verdict, Verdicts } from '@ballast/contracts';
import { VerdictLog } from '../../src/chaos/verdict-log.ts';

const verdict = (more: Partial<Verdict> = {}): Verdict => ({
  invariant: 1,
  title: 'Stock adds up',
  when: 'always',
  state: 'holds',
  detail: 'stock of 40 products',
  offending: [],
  offendingTotal: 0,
  checks: 10,
  violations: 0,
  checkedAt: null,
  milliseconds: 1,
  violatedSince: null,
  ...more,
});
const answer = (...items: Verdict[]): Verdicts => ({
  at: new Date().toISOString(),
  items,
  faults: 'none',
  lastHealAt: null,
});

describe('the log of verdicts', () => {
  it('has nothing to say of invariants that hold and were checked', () => {
    const log = new VerdictLog();
    log.note(answer(verdict()));
    log.note(answer(verdict({ checks: 25, state: 'settling' })));
    log.note(answer(verdict({ checks: 26 })));
    assert.deepEqual(log.violations(), []);
    assert.deepEqual(log.neverKnown(), []);
    assert.deepEqual(log.unsettled(), []);
    assert.equal(log.checked()[0]!.checks, 16);
    assert.equal(log.answers, 3);
  });

  it('remembers a violation that has gone by', () => {
    const log = new VerdictLog();
    log.note(answer(verdict()));
    log.note(
      answer(verdict({ state: 'violated', detail: 'one product', offending: ['p1'], violations: 1, checks: 11 })),
    );
    log.note(answer(verdict({ checks: 12, violations: 1 })));
    const [violation] = log.violations();
    assert.match(violation!.invariant, /1, Stock adds up \(always\)/);
    assert.match(violation!.detail, /one product: p1/);
  });

  it('sees a violation between two answers by the auditor’s own count, also when that began anew', () => {
    const between = new VerdictLog();
    between.note(answer(verdict({ violations: 0 })));
    between.note(answer(verdict({ violations: 2, checks: 13 })));
    assert.equal(between.violations().length, 1);

    const anew = new VerdictLog();
    anew.note(answer(verdict({ checks: 100 })));
    anew.note(answer(verdict({ checks: 3 })));
    assert.equal(anew.checked()[0]!.checks, 3);
    assert.deepEqual(anew.violations(), []);
  });

  it('never takes "unknown" for "holds"', () => {
    const log = new VerdictLog();
    log.note(answer(verdict({ state: 'unknown' }), verdict({ invariant: 2 })));
    log.note(answer(verdict({ state: 'unknown', checks: 11 }), verdict({ invariant: 2, checks: 11 })));
    assert.deepEqual(
      log.neverKnown().map(({ invariant }) => invariant),
      [1],
    );
    assert.deepEqual(
      log.unsettled().map(({ invariant }) => invariant),
      [1],
    );
    assert.equal(log.checked()[0]!.unknown, 2);
  });

  it('counts the times that nobody answered', () => {
    const log = new VerdictLog();
    log.note(null);
    assert.equal(log.silences, 1);
    assert.equal(log.answers, 0);
    assert.deepEqual(log.checked(), []);
  });
});
