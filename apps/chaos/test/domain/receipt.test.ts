/** The arithmetic of receipts: what was counted, how long it took, how long it was out. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createHistogram } from '../../src/domain/histogram.ts';
import { createReceipt, type Observation } from '../../src/domain/receipt.ts';
import { createSeconds, keptSeconds } from '../../src/domain/seconds.ts';

const good = (at: number, milliseconds = 5): Observation => ({ at, milliseconds, answered: true, failed: false });
const refused = (at: number): Observation => ({ at, milliseconds: 1_000, answered: false, failed: true });
const broken = (at: number, milliseconds = 20): Observation => ({ at, milliseconds, answered: true, failed: true });

describe('a histogram', () => {
  it('knows percentiles by nearest rank, exactly below 12.8 ms', () => {
    const histogram = createHistogram();
    for (let value = 1; value <= 100; value += 1) histogram.add(value / 10);
    assert.deepEqual(
      [0, 0.5, 0.95, 0.99, 1].map((share) => histogram.percentile(share)),
      [0.1, 5, 9.5, 9.9, 10],
    );
    assert.equal(histogram.count, 100);
  });

  it('is within one percent above, and never overflows', () => {
    for (const value of [12.8, 13, 25.5, 25.6, 99.9, 1_000, 4_321, 59_999, 120_000]) {
      const histogram = createHistogram();
      histogram.add(value);
      const found = histogram.percentile(0.5)!;
      assert.ok(Math.abs(found - value) / value < 0.01, `${value} became ${found}`);
    }
    const histogram = createHistogram();
    histogram.add(10_000_000);
    assert.ok(Math.abs(histogram.percentile(1)! - 120_000) < 1_200);
  });

  it('has none without values', () => {
    assert.equal(createHistogram().percentile(0.5), null);
  });
});

describe('a receipt', () => {
  it('is empty at first', () => {
    assert.deepEqual(createReceipt().figures(), { requests: 0, failed: 0, p50: null, p95: null, outage: null });
  });

  it('has no outage where nothing failed', () => {
    const receipt = createReceipt();
    for (const at of [1, 2, 3]) receipt.note(good(at));
    assert.deepEqual(receipt.figures(), { requests: 3, failed: 0, p50: 5, p95: 5, outage: null });
  });

  it('counts an outage from the first failed to the first good one after the last failed', () => {
    const receipt = createReceipt();
    for (const observation of [good(100), refused(200), good(250), broken(300), refused(500), good(740), good(900)]) {
      receipt.note(observation);
    }
    const { requests, failed, outage } = receipt.figures();
    assert.deepEqual([requests, failed, outage], [7, 3, 540]);
  });

  it('leaves those that nobody answered out of the percentiles', () => {
    const receipt = createReceipt();
    receipt.note(refused(1));
    assert.equal(receipt.figures().p50, null);
    receipt.note(broken(2, 8));
    receipt.note(good(3, 4));
    assert.deepEqual([receipt.figures().p50, receipt.figures().p95], [4, 8]);
  });

  it('says the least that an outage can be while it is on', () => {
    const receipt = createReceipt();
    receipt.note(refused(100));
    assert.equal(receipt.figures().outage, 0);
    receipt.note(refused(350));
    assert.equal(receipt.figures().outage, 250);
  });

  it('takes nothing more once it is closed, but the end of an outage', () => {
    const receipt = createReceipt();
    receipt.note(refused(100));
    receipt.close();
    assert.equal(receipt.settled, false);
    receipt.note(refused(150));
    receipt.note(good(400));
    assert.equal(receipt.settled, true);
    receipt.note(good(500));
    assert.deepEqual(receipt.figures(), { requests: 1, failed: 1, p50: null, p95: null, outage: 300 });
  });

  it('keeps its percentiles once it is closed', () => {
    const receipt = createReceipt();
    receipt.note(good(1, 7));
    receipt.close();
    assert.deepEqual([receipt.figures().p50, receipt.settled], [7, true]);
  });
});

describe('seconds', () => {
  it('are finished one by one, empty ones too', () => {
    const seconds = createSeconds(10_200);
    seconds.note(good(10_300, 3));
    seconds.note(refused(10_400));
    seconds.order();
    assert.deepEqual(seconds.finish(10_900), []);
    assert.deepEqual(seconds.finish(12_100), [
      { at: 10_000, requests: 2, failed: 1, p50: 3, p95: 3, orders: 1 },
      { at: 11_000, requests: 0, failed: 0, p50: null, p95: null, orders: 0 },
    ]);
  });

  it('are sixty at most, also after a long sleep', () => {
    const seconds = createSeconds(0);
    const finished = seconds.finish(10_000_000);
    assert.equal(finished.length, keptSeconds);
    assert.equal(finished.at(-1)!.at, 9_999_000);
  });
});
