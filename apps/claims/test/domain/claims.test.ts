/** The rules of a claim's life, and what makes two requests the same. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { claimStates } from '@ballast/contracts';
import { decided, decisionBehind, fingerprintOf, refundOutcomes } from '../../src/domain/claims.ts';

describe('the rules for claims', () => {
  it('know the decision behind every state a decision leads to', () => {
    for (const decision of ['grant', 'refuse'] as const) assert.equal(decisionBehind[decided[decision]], decision);
  });

  it('let payments speak about granted claims only, and nothing undo a refund', () => {
    for (const state of claimStates) {
      for (const event of ['PaymentRefunded', 'RefundRefused'] as const) {
        const next = refundOutcomes[state][event];
        assert.equal(next === 'impossible', decisionBehind[state] !== 'grant', `${state}, ${event}`);
        if (state === 'refunded') assert.equal(next, 'refunded');
        // The same event again changes nothing.
        if (next !== 'impossible') assert.equal(refundOutcomes[next][event], next);
      }
    }
  });

  it('give one end whichever of two events comes first', () => {
    const { PaymentRefunded: paid, RefundRefused: refused } = refundOutcomes.granted;
    assert.ok(paid !== 'impossible' && refused !== 'impossible');
    assert.equal(refundOutcomes[paid].RefundRefused, refundOutcomes[refused].PaymentRefunded);
  });
});

describe('the fingerprint of a claim', () => {
  const body = { orderId: '0199a2f4-0000-7000-8000-00000000000a', reason: 'other', details: 'a' } as const;
  it('is the same for the same request, whatever the order of its fields and the case of its ids', () => {
    const { orderId, ...rest } = body;
    assert.equal(fingerprintOf({ ...rest, orderId: orderId.toUpperCase() }), fingerprintOf(body));
  });

  it('differs where anything else differs', () => {
    const others = [
      { ...body, orderId: '0199a2f4-0000-7000-8000-00000000000b' },
      { ...body, reason: 'damaged' as const },
      { ...body, details: 'A' },
      { ...body, details: 'a ' },
    ];
    assert.equal(new Set([body, ...others].map(fingerprintOf)).size, 5);
  });
});
