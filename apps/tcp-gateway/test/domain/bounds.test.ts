/** What is bounded, and by which rule: the ring, the rate of attempts, the number of connections, the counts. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AdmissionCounter } from '../../src/devices/admission.ts';
import { AttemptLimit } from '../../src/domain/attempt-limit.ts';
import { Counts } from '../../src/domain/counts.ts';
import { Ring } from '../../src/domain/ring.ts';

describe('a ring', () => {
  const drain = <Item>(ring: Ring<Item>): Item[] => {
    const items: Item[] = [];
    while (ring.size > 0) items.push(ring.shift()!);
    return items;
  };

  it('gives back in order what went in, round and round', () => {
    const ring = new Ring<number>({ items: 3, bytes: 1_000 });
    for (let round = 0; round < 10; round += 1) {
      assert.equal(ring.push(round, 1) + ring.push(round + 0.5, 1), 0);
      assert.deepEqual(drain(ring), [round, round + 0.5]);
    }
    assert.deepEqual([ring.shift(), ring.bytes, ring.nextBytes], [undefined, 0, 0]);
  });

  it('forgets the oldest when it has too many items, and says how many', () => {
    const ring = new Ring<number>({ items: 3, bytes: 1_000 });
    const dropped = [1, 2, 3, 4, 5].map((item) => ring.push(item, 1));
    assert.deepEqual(dropped, [0, 0, 0, 1, 1]);
    assert.deepEqual(drain(ring), [3, 4, 5]);
  });

  it('forgets as many as it takes when they are too large, and never holds more than its bytes', () => {
    const ring = new Ring<string>({ items: 100, bytes: 10 });
    for (const item of ['a', 'b', 'c']) ring.push(item, 3);
    assert.equal(ring.push('d', 8), 3);
    assert.equal(ring.bytes, 8);
    assert.equal(ring.push('e', 11), 1);
    assert.deepEqual(drain(ring), ['d']);
  });
});

describe('the rate of a device’s attempts', () => {
  it('lets a burst through, then one an interval, and each device for itself', () => {
    const limit = new AttemptLimit({ burst: 3, perMinute: 60 });
    assert.deepEqual(
      [1, 2, 3, 4].map(() => limit.take('a', 0)),
      [true, true, true, false],
    );
    assert.equal(limit.take('b', 0), true);
    assert.deepEqual([limit.take('a', 999), limit.take('a', 1_000), limit.take('a', 1_001)], [false, true, false]);
  });

  it('forgets devices that have been quiet', () => {
    const limit = new AttemptLimit({ burst: 3, perMinute: 60 });
    for (let device = 0; device < 1_000; device += 1) limit.take(`device-${device}`, 0);
    limit.sweep(999);
    assert.equal(limit.size, 1_000);
    limit.sweep(1_000);
    assert.equal(limit.size, 0);
  });
});

describe('admission', () => {
  it('counts in all, by address and of the unknown, and opens again for each that goes', () => {
    const admission = new AdmissionCounter({ connections: 4, perAddress: 3, unauthenticated: 2 });
    assert.deepEqual([admission.come('a'), admission.come('a'), admission.come('a')], ['open', 'open', 'full']);
    admission.judged();
    admission.judged();
    assert.deepEqual([admission.come('a'), admission.come('a')], ['open', 'full']);
    admission.judged();
    assert.deepEqual([admission.come('b'), admission.come('c')], ['open', 'full']);
    admission.judged();
    admission.left('a', 'open');
    assert.equal(admission.come('a'), 'open');
  });

  it('tells a few that it is full, and cuts the rest until those have gone', () => {
    const admission = new AdmissionCounter({ connections: 1, perAddress: 1, unauthenticated: 1 });
    assert.equal(admission.come('a'), 'open');
    const answers = Array.from({ length: 300 }, () => admission.come('a'));
    assert.equal(answers.filter((answer) => answer === 'full').length, 256);
    assert.equal(answers.at(-1), 'cut');
    admission.left('a', 'full');
    assert.equal(admission.come('a'), 'full');
  });
});

describe('counts', () => {
  it('are told as they stand, and a report that was made does not change any more', () => {
    const counts = new Counts();
    counts.attempt();
    counts.reject('expired', 'device-1');
    const header = { gateway: 'g', epoch: 'e', seq: 1, at: '', last: false };
    const report = counts.report(header);
    counts.reject('expired', 'device-1');
    counts.end('idle');
    counts.telemetry.received += 1;
    assert.deepEqual(report.rejected, [{ reason: 'expired', deviceId: 'device-1', count: 1 }]);
    assert.deepEqual([report.ended, report.telemetry.received, counts.rejected], [{}, 0, 2]);
  });
});
