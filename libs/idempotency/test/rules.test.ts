import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fingerprintOf, settlementOf } from '../src/index.ts';

describe('the fingerprint of a request', () => {
  it('does not see the order of keys, and sees everything else', () => {
    const one = fingerprintOf({ lines: [{ productId: 'a', quantity: 1 }], payment: { provider: 'stripe' } });
    assert.equal(one.length, 32);
    assert.deepEqual(one, fingerprintOf({ payment: { provider: 'stripe' }, lines: [{ quantity: 1, productId: 'a' }] }));
    const others = [
      { lines: [{ productId: 'a', quantity: 2 }], payment: { provider: 'stripe' } },
      { lines: [{ productId: 'a', quantity: '1' }], payment: { provider: 'stripe' } },
      { lines: [{ productId: 'a', quantity: 1 }] },
      { lines: [], payment: { provider: 'stripe' } },
    ];
    for (const other of others) assert.notDeepEqual(one, fingerprintOf(other));
    assert.notDeepEqual(fingerprintOf([1, 2]), fingerprintOf([2, 1]));
  });

  it('is taken of the canonical form of RFC 8785', () => {
    // sha256sum of {"":"empty","1":{"\n":56,"f":{"F":5,"f":"hi"}},"a":{}}
    const value = { a: {}, '1': { '\n': 56, f: { F: 5, f: 'hi' } }, '': 'empty', left: undefined };
    assert.equal(
      fingerprintOf(value).toString('hex'),
      '2674768d92829200d5e87f76273b65d9d1f55755af6a4b9122475949bf359dad',
    );
  });
});

describe('after an answer', () => {
  it('what had an effect, or never will, is stored', () => {
    for (const status of [200, 201, 202, 204, 404, 409, 410, 412]) assert.equal(settlementOf(status), 'store');
    assert.equal(settlementOf(422, 'unknown-product'), 'store');
    assert.equal(settlementOf(409, 'conflict'), 'store');
  });

  it('what is limited, invalid or not allowed is not', () => {
    for (const status of [400, 401, 403, 413, 415, 428, 429]) assert.equal(settlementOf(status), 'forget');
    assert.equal(settlementOf(422, 'invalid-input'), 'forget');
    assert.equal(settlementOf(422, 'idempotency-key-reused'), 'forget');
  });

  it('what fails, or is still being worked on, says nothing', () => {
    for (const status of [500, 502, 503, 504]) assert.equal(settlementOf(status), 'unknown');
    assert.equal(settlementOf(409, 'in-progress'), 'unknown');
  });
});
