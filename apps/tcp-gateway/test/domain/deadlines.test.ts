/** One clock for many deadlines. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { seededIntegers } from '@ballast/testing';
import { Deadlines, noSlot, type Timed } from '../../src/domain/deadlines.ts';

class Waiter implements Timed {
  slot = noSlot;
  readonly calls: number[] = [];
  readonly #next: (now: number) => number | null;

  constructor(next: (now: number) => number | null = () => null) {
    this.#next = next;
  }

  due(now: number): number | null {
    this.calls.push(now);
    return this.#next(now);
  }
}

describe('the clock of deadlines', () => {
  it('never calls too early, and late by its resolution at most', () => {
    const integer = seededIntegers(3);
    const deadlines = new Deadlines<Waiter>(100, 0);
    const waiters = Array.from({ length: 2_000 }, () => ({ waiter: new Waiter(), at: integer(60_000) }));
    for (const { waiter, at } of waiters) deadlines.set(waiter, at);
    for (let now = 0; now <= 60_200; now += 50) deadlines.advance(now);
    for (const { waiter, at } of waiters) {
      assert.equal(waiter.calls.length, 1);
      assert.ok(waiter.calls[0]! >= at && waiter.calls[0]! - at <= 200, `${at}: ${waiter.calls[0]}`);
    }
    assert.equal(deadlines.size, 0);
  });

  it('keeps the last deadline that was set, be it earlier or later', () => {
    const deadlines = new Deadlines<Waiter>(100, 0);
    const [sooner, later] = [new Waiter(), new Waiter()];
    deadlines.set(sooner, 5_000);
    deadlines.set(sooner, 300);
    deadlines.set(later, 300);
    deadlines.set(later, 5_000);
    deadlines.advance(400);
    assert.deepEqual([sooner.calls.length, later.calls.length], [1, 0]);
    deadlines.advance(5_000);
    assert.deepEqual([sooner.calls.length, later.calls.length], [1, 1]);
  });

  it('comes back when it was told so, and forgets who has gone', () => {
    const deadlines = new Deadlines<Waiter>(100, 0);
    const again = new Waiter((now) => (now < 1_000 ? now + 250 : null));
    const gone = new Waiter();
    deadlines.set(again, 100);
    deadlines.set(gone, 100);
    deadlines.remove(gone);
    for (let now = 0; now <= 3_000; now += 100) deadlines.advance(now);
    assert.deepEqual([again.calls, gone.calls], [[100, 400, 700, 1_000], []]);
    assert.equal(deadlines.size, 0);
  });

  it('can be told to forget another in the middle of a call', () => {
    const deadlines = new Deadlines<Waiter>(100, 0);
    const second = new Waiter();
    const first = new Waiter(() => {
      deadlines.remove(second);
      return null;
    });
    deadlines.set(first, 100);
    deadlines.set(second, 200);
    deadlines.advance(1_000);
    assert.deepEqual([first.calls.length, second.calls.length], [1, 0]);
  });

  it('catches up after a standstill of days without walking through each moment of it', () => {
    const deadlines = new Deadlines<Waiter>(1, 0);
    const waiter = new Waiter();
    deadlines.set(waiter, 1_000_000_000);
    const began = performance.now();
    deadlines.advance(900_000_000);
    assert.equal(waiter.calls.length, 0);
    deadlines.advance(1_100_000_000);
    assert.equal(waiter.calls.length, 1);
    assert.ok(performance.now() - began < 1_000);
  });
});
