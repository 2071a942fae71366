/** An unanswered order is taken up again, or not; and what can be said about credentials before they are sent. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { newIdempotencyKey, parseAttempt, serializeAttempt, whatToDoWith } from '../src/state/checkout-attempt.ts';
import type { CheckoutAttempt } from '../src/state/checkout-attempt.ts';
import { checkCredentials } from '../src/state/credentials.ts';

const minute = 60_000;
const attempt: CheckoutAttempt = {
  key: 'key',
  userId: 'me',
  startedAt: 1_000_000_000,
  order: {
    lines: [{ productId: '01926f00-0000-7000-8000-000000000001', quantity: 1 }],
    payment: { provider: 'stripe', method: 'pm_card_visa' },
  },
};
const later = (minutes: number) => attempt.startedAt + minutes * minute;

describe('an unanswered order', () => {
  it('survives a reload with its key', () => {
    assert.deepEqual(parseAttempt(serializeAttempt(attempt)), attempt);
  });

  it('is nothing where the stored text is missing or broken', () => {
    for (const text of [null, '', '{', 'null', '7', '{}', '{"key":"x"}'])
      assert.equal(parseAttempt(text), null, String(text));
  });

  it('is sent again by itself after a reload a moment later', () => {
    assert.equal(whatToDoWith(attempt, 'me', later(1)), 'resume');
  });

  it('is left to the person when a browser brings the tab back much later', () => {
    assert.equal(whatToDoWith(attempt, 'me', later(60)), 'ask');
  });

  it('is forgotten when its key is no longer known, or when somebody else is signed in', () => {
    assert.equal(whatToDoWith(attempt, 'me', later(24 * 60)), 'forget');
    assert.equal(whatToDoWith(attempt, 'somebody else', later(1)), 'forget');
    assert.equal(whatToDoWith(attempt, 'me', later(-1)), 'forget');
  });

  it('has a key of its own', () => {
    assert.notEqual(newIdempotencyKey(), newIdempotencyKey());
    assert.ok(newIdempotencyKey().length >= 32);
  });
});

describe('credentials', () => {
  it('are asked for where they are missing', () => {
    assert.deepEqual(Object.keys(checkCredentials({ email: ' ', password: '' }, 'sign-in')), ['email', 'password']);
  });

  it('must look like an address', () => {
    for (const email of ['demo', 'demo@', '@x', 'a b@c.test', `${'a'.repeat(260)}@x.test`])
      assert.ok(checkCredentials({ email, password: 'long enough' }, 'sign-in').email, email);
    assert.deepEqual(checkCredentials({ email: ' demo@ballast.test ', password: 'long enough' }, 'register'), {});
  });

  it('need ten characters to register, and any to sign in', () => {
    const short = { email: 'demo@ballast.test', password: 'short' };
    assert.match(checkCredentials(short, 'register').password ?? '', /at least 10/);
    assert.deepEqual(checkCredentials(short, 'sign-in'), {});
  });
});
