import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { drainTimes, merged, percentile, touches } from '../../src/chaos/figures.ts';

describe('a percentile', () => {
  it('is one of the values, by nearest rank', () => {
    const values = Array.from({ length: 100 }, (_, index) => 100 - index);
    assert.equal(percentile(values, 0.5), 50);
    assert.equal(percentile(values, 0.99), 99);
    assert.equal(percentile(values, 1), 100);
    assert.equal(percentile([7], 0.99), 7);
    assert.equal(percentile([10, 2, 9], 0.5), 9);
  });

  it('is nothing where there is nothing', () => {
    assert.equal(percentile([], 0.5), null);
  });
});

describe('spans', () => {
  it('touch where they have an instant in common', () => {
    const faults = [
      { from: 10, to: 20 },
      { from: 30, to: 30 },
    ];
    assert.ok(touches({ from: 0, to: 10 }, faults));
    assert.ok(touches({ from: 29, to: 31 }, faults));
    assert.ok(touches({ from: 12, to: 13 }, faults));
    assert.ok(!touches({ from: 21, to: 29 }, faults));
    assert.ok(!touches({ from: 0, to: 100 }, []));
  });

  it('are merged where they touch, and are left as they were', () => {
    const spans = [
      { from: 5, to: 9 },
      { from: 0, to: 3 },
      { from: 2, to: 4 },
      { from: 9, to: Number.POSITIVE_INFINITY },
    ];
    const before = structuredClone(spans);
    assert.deepEqual(merged(spans), [
      { from: 0, to: 4 },
      { from: 5, to: Number.POSITIVE_INFINITY },
    ]);
    assert.deepEqual(spans, before);
  });
});

describe('the time something took to drain', () => {
  const faults = [
    { from: 0, to: 100 },
    { from: 500, to: 600 },
  ];

  it('counts from the end of the faults until nothing from before it was left', () => {
    const backlogs = [
      { at: 50, oldest: 20 },
      { at: 150, oldest: 90 },
      { at: 200, oldest: 180 },
      { at: 650, oldest: 590 },
      { at: 700, oldest: null },
    ];
    assert.deepEqual(drainTimes(backlogs, faults), [100, 100]);
  });

  it('is left out where the next fault came first, and is as long as it was watched where it never did', () => {
    const backlogs = [
      { at: 150, oldest: 90 },
      { at: 650, oldest: 90 },
      { at: 5_600, oldest: 90 },
    ];
    assert.deepEqual(drainTimes(backlogs, faults), [5_000]);
  });

  it('is nothing where nobody looked', () => {
    assert.deepEqual(drainTimes([], faults), []);
  });
});
