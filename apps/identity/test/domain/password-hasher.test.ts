import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { TooBusy } from '../../src/domain/limiter.ts';
import { createPasswordHasher } from '../../src/domain/password-hasher.ts';

describe('the password hasher', () => {
  it('refuses a password nobody has, after the same work', async () => {
    const hasher = await createPasswordHasher({ atOnce: 1, maxWaiting: 1 });
    assert.equal(await hasher.matches(null, 'correct horse'), false);
    assert.equal(await hasher.matches(await hasher.hash('correct horse'), 'correct horse'), true);
  });

  it('turns away at once whoever finds the queue full, and serves the others', async () => {
    const hasher = await createPasswordHasher({ atOnce: 1, maxWaiting: 2 });
    const outcomes = await Promise.allSettled(Array.from({ length: 10 }, () => hasher.matches(null, 'x')));
    const refused = outcomes.filter((outcome) => outcome.status === 'rejected');
    assert.equal(refused.length, 7);
    assert.ok(refused.every((outcome) => outcome.reason instanceof TooBusy));
    assert.equal(await hasher.matches(null, 'x'), false, 'there is room again');
  });
});
