import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { intervalOf, remainingAt, take } from '../src/gcra.ts';

const limit = { burst: 10, perSecond: 4 };

describe('a token bucket', () => {
  it('gives its burst at once and then nothing', () => {
    const all = take(limit, 0, 10);
    assert.deepEqual(all, { granted: 10, level: 2_500, waitMs: 0 });
    assert.deepEqual(take(limit, all.level, 1), { granted: 0, level: 2_500, waitMs: 250 });
  });

  it('gives what is there when more is wanted, and says when the next token comes', () => {
    assert.deepEqual(take(limit, 2_000, 5), { granted: 2, level: 2_500, waitMs: 250 });
  });

  it('says when to come back, and that is when a token is there', () => {
    for (const level of [2_251, 2_300.5, 2_499.999, 2_500]) {
      const { granted, waitMs } = take(limit, level, 1);
      assert.equal(granted, 0);
      assert.equal(take(limit, level - waitMs, 1).granted, 1);
      assert.equal(take(limit, level - waitMs + 1, 1).granted, 0);
    }
  });

  it('never gives more than burst + rate × time, whatever is asked and when', () => {
    let level = 0;
    let given = 0;
    let elapsed = 0;
    for (let step = 0; step < 5_000; step += 1) {
      const pause = (step * 7919) % 97;
      elapsed += pause;
      level = Math.max(0, level - pause);
      const taken = take(limit, level, 1 + (step % 4));
      level = taken.level;
      given += taken.granted;
      assert.ok(given <= limit.burst + (limit.perSecond * elapsed) / 1_000 + 1e-6, `${given} after ${elapsed} ms`);
    }
    assert.ok(given >= (limit.perSecond * elapsed) / 1_000, 'it gave less than what came back');
  });

  it('counts whole tokens, also where intervals are no whole milliseconds', () => {
    const odd = { burst: 7, perSecond: 3 };
    let level = 0;
    for (let left = 7; left > 0; left -= 1) {
      assert.equal(remainingAt(odd, level), left);
      level = take(odd, level, 1).level;
    }
    assert.equal(remainingAt(odd, level), 0);
    assert.equal(intervalOf(limit), 250);
  });
});
