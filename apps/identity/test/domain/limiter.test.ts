import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createLimiter, TooBusy } from '../../src/domain/limiter.ts';

describe('a limiter', () => {
  it('never runs more than it may, in the order of arrival', async () => {
    const limiter = createLimiter({ atOnce: 2, maxWaiting: 100 });
    let running = 0;
    let most = 0;
    const order: number[] = [];
    await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        limiter.run(async () => {
          order.push(index);
          running += 1;
          most = Math.max(most, running);
          await new Promise((resolve) => setImmediate(resolve));
          running -= 1;
        }),
      ),
    );
    assert.equal(most, 2);
    assert.deepEqual(
      order,
      [...order].sort((a, b) => a - b),
    );
    assert.equal(order.length, 20);
  });

  it('gives its place on when work fails', async () => {
    const limiter = createLimiter({ atOnce: 1, maxWaiting: 5 });
    const failing = limiter.run(() => Promise.reject(new Error('no')));
    const next = limiter.run(async () => 'yes');
    await assert.rejects(failing, /no/);
    assert.equal(await next, 'yes');
    assert.equal(await limiter.run(async () => 'again'), 'again');
  });

  it('refuses when its queue is full, and says that trying again can help', async () => {
    const limiter = createLimiter({ atOnce: 1, maxWaiting: 0 });
    const { promise, resolve } = Promise.withResolvers<void>();
    const first = limiter.run(() => promise);
    await assert.rejects(
      limiter.run(async () => {}),
      (error) => error instanceof TooBusy && error.retryable,
    );
    resolve();
    await first;
    await limiter.run(async () => {});
  });
});
