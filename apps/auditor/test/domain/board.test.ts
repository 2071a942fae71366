import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import type { Verdict } from '@ballast/contracts';
import { createBoard, type Board, type FaultState, type Offence } from '../../src/domain/board.ts';
import type { Invariant } from '../../src/domain/invariants.ts';
import { lowestAt } from '../../src/domain/uuid7.ts';

const stock: Invariant = { invariant: 1, title: 'Stock', when: 'always', parts: { rows: 5_000 } };
const money: Invariant = { invariant: 3, title: 'Money', when: 'quiet', parts: { rows: 5_000, ledger: 5_000 } };

describe('the board', () => {
  let time: number;
  let faults: FaultState;
  let looked: [number, boolean][];
  let board: Board;
  beforeEach(() => {
    time = 1_000_000;
    faults = { faults: 'none', healedAt: null };
    looked = [];
    board = createBoard([stock, money], {
      now: () => time,
      faults: () => faults,
      onLook: (invariant, violated) => looked.push([invariant, violated]),
    });
  });
  const note = (invariant: number, part: string, ...offences: Offence[]): void =>
    board.note({ invariant, part, detail: `${part} looked at`, offences }, 3);
  const verdict = (invariant: number): Verdict => board.verdicts().find((one) => one.invariant === invariant)!;
  const stateOf = (invariant: number) => verdict(invariant).state;
  const late: Offence = { id: 'order', why: 'it is late', lasts: 5_000, afterHeal: 20_000 };

  it('knows nothing before the first look', () => {
    assert.equal(stateOf(1), 'unknown');
    assert.match(verdict(1).detail, /not looked at yet/);
  });

  it('holds once every part was looked at and nothing offends', () => {
    note(3, 'rows');
    assert.equal(stateOf(3), 'unknown');
    note(3, 'ledger');
    assert.equal(stateOf(3), 'holds');
    assert.equal(verdict(3).detail, 'rows looked at; ledger looked at');
  });

  it('never shows what held as if it still did', () => {
    note(1, 'rows');
    time += 5_001;
    assert.equal(stateOf(1), 'unknown');
    assert.match(verdict(1).detail, /last looked at 5 s ago/);
  });

  it('says why it could not look', () => {
    note(1, 'rows');
    board.fail(1, 'rows', 'the database: nobody listens there');
    assert.equal(stateOf(1), 'unknown');
    assert.match(verdict(1).detail, /nobody listens there/);
  });

  it('is violated at once by what must never be', () => {
    note(1, 'rows', { id: 'product', why: 'it has minus one piece', lasts: 0 });
    const { state, offending, offendingTotal, violations, checks, violatedSince } = verdict(1);
    assert.deepEqual(
      { state, offending, offendingTotal, violations, checks },
      {
        state: 'violated',
        offending: ['product'],
        offendingTotal: 1,
        violations: 1,
        checks: 1,
      },
    );
    assert.equal(violatedSince, new Date(time).toISOString());
    assert.deepEqual(looked, [[1, true]]);
  });

  it('lets what may take a moment settle, and is violated when it has taken longer', () => {
    note(3, 'ledger');
    note(3, 'rows', late);
    assert.equal(stateOf(3), 'settling');
    time += 4_999;
    note(3, 'rows', late);
    note(3, 'ledger');
    assert.equal(stateOf(3), 'settling');
    time += 1;
    assert.equal(stateOf(3), 'violated');
  });

  it('counts the time each thing offends by itself: rows always in motion are no violation', () => {
    for (let look = 0; look < 20; look += 1) {
      note(3, 'ledger');
      note(3, 'rows', { ...late, id: `order ${look}` }, { ...late, id: `order ${look + 1}` });
      assert.equal(stateOf(3), 'settling');
      time += 1_000;
    }
    assert.equal(verdict(3).violations, 0);
  });

  it('believes a row that tells how long it has been so', () => {
    note(3, 'ledger');
    note(3, 'rows', { ...late, age: 6_000 });
    assert.equal(stateOf(3), 'violated');
  });

  it('waits for faults to end, and for the time the promise gives after that', () => {
    faults = { faults: 'active', healedAt: null };
    const look = (): void => {
      note(3, 'ledger');
      note(3, 'rows', late);
    };
    look();
    time += 60_000;
    look();
    assert.equal(stateOf(3), 'settling');
    faults = { faults: 'none', healedAt: time };
    look();
    assert.equal(stateOf(3), 'settling');
    time += 19_999;
    look();
    assert.equal(stateOf(3), 'settling');
    time += 1;
    assert.equal(stateOf(3), 'violated');
  });

  it('takes no fault as an excuse for what must always hold', () => {
    faults = { faults: 'active', healedAt: null };
    note(1, 'rows', { id: 'product', why: '', lasts: 0 });
    assert.equal(stateOf(1), 'violated');
  });

  it('does not judge what faults excuse while nobody says whether there are any', () => {
    faults = { faults: 'unknown', healedAt: null };
    note(3, 'ledger');
    note(3, 'rows', { ...late, age: 100_000 });
    assert.equal(stateOf(3), 'settling');
  });

  it('remembers since when something offends while it cannot look', () => {
    note(3, 'ledger');
    note(3, 'rows', late);
    board.fail(3, 'rows', 'away');
    time += 6_000;
    note(3, 'ledger');
    assert.equal(stateOf(3), 'unknown');
    note(3, 'rows', late);
    assert.equal(stateOf(3), 'violated');
  });

  it('holds again when nothing offends any more', () => {
    note(1, 'rows', { id: 'product', why: '', lasts: 0 });
    note(1, 'rows');
    assert.equal(stateOf(1), 'holds');
    assert.equal(verdict(1).violatedSince, null);
    assert.equal(verdict(1).violations, 1);
  });

  it('takes acknowledged damage as known, and other damage of the same thing as new', () => {
    const damage: Offence = { id: 'product', key: 'product 1 too few', why: '', lasts: 0 };
    note(1, 'rows', damage);
    assert.deepEqual(board.acknowledge(), { marked: 1, known: 1 });
    assert.equal(stateOf(1), 'holds');
    note(1, 'rows', damage);
    assert.equal(stateOf(1), 'holds');
    assert.match(verdict(1).detail, /1 known, acknowledged/);
    note(1, 'rows', { ...damage, key: 'product 2 too few' });
    assert.equal(stateOf(1), 'violated');
  });

  it('acknowledges one invariant alone where that is asked for', () => {
    note(1, 'rows', { id: 'product', why: '', lasts: 0 });
    note(3, 'ledger');
    note(3, 'rows', { ...late, age: 10_000 });
    board.acknowledge(3);
    assert.deepEqual([stateOf(1), stateOf(3)], ['violated', 'holds']);
  });

  it('takes what comes to light later about orders of a window as known, whatever it is, and nothing else', () => {
    const order = (at: number, key?: string): Offence => {
      const id = lowestAt(at).replace('-0000-0000-', '-7000-8000-');
      return { id, why: '', lasts: 0, ...(key === undefined ? {} : { key }) };
    };
    board.acknowledge(1, { from: 5_000, to: 9_000 });
    note(1, 'rows', order(5_000), order(7_000, 'one thing'), order(9_000, 'another'));
    assert.equal(stateOf(1), 'holds');
    assert.match(verdict(1).detail, /3 known, acknowledged/);
    note(1, 'rows', order(9_001));
    assert.equal(stateOf(1), 'violated');
    note(1, 'rows', { id: 'product', why: '', lasts: 0 });
    assert.equal(stateOf(1), 'violated');
    note(3, 'ledger');
    note(3, 'rows', order(7_000));
    assert.equal(stateOf(3), 'holds');
    note(3, 'rows', order(9_001));
    assert.equal(stateOf(3), 'violated');
  });

  it('shows twenty ids at most and counts them all', () => {
    const many = Array.from({ length: 3_000 }, (_, place): Offence => ({ id: `p${place}`, why: '', lasts: 0 }));
    note(1, 'rows', ...many);
    assert.equal(verdict(1).offending.length, 20);
    assert.equal(verdict(1).offendingTotal, 3_000);
  });
});
