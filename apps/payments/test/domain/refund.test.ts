/** Money that goes back for a claim, and refunds that an operator has tried again. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  applyCommand,
  applyFact,
  idempotencyKey,
  nextStep,
  type Fact,
  type Payment,
} from '../../src/domain/payment.ts';
import { amount, claimId, commands, currency, facts, orderId, unknownPayment } from './world.ts';

const after = (...steps: (keyof typeof commands | Fact)[]): Payment =>
  steps.reduce(
    (payment, step) =>
      (typeof step === 'string' ? applyCommand(payment, commands[step]) : applyFact(payment, step)).payment,
    unknownPayment,
  );
const authorized = after('authorize', facts.authorized);
const captured = after('authorize', facts.authorized, 'capture', facts.captured);

describe('a refund for a claim', () => {
  const asked = applyCommand(captured, commands.refund);
  const bodies = (events: readonly { type: string; body: object }[]) => events.map(({ type, body }) => [type, body]);
  const refunded = ['PaymentRefunded', { orderId, claimId, refunded: amount, currency }];

  it('gives back all of it, under a key of its own, and is answered to the claim', () => {
    assert.deepEqual(asked.events, []);
    assert.equal(nextStep(asked.payment), 'refund');
    assert.equal(idempotencyKey(asked.payment, 'refund'), `${orderId}-refund-claim-${claimId}`);
    assert.equal(idempotencyKey(applyCommand(captured, commands.cancel).payment, 'refund'), `${orderId}-refund`);
    const done = applyFact(asked.payment, facts.refunded);
    assert.deepEqual(bodies(done.events), [refunded]);
    assert.deepEqual(bodies(applyCommand(done.payment, commands.refund).events), [refunded]);
    assert.equal(nextStep(done.payment), null);
  });

  it('that the provider refuses is told with its words, as often as it is asked for', () => {
    const { payment, events } = applyFact(asked.payment, facts.refundRefused);
    const answer = ['RefundRefused', { orderId, claimId, code: 'disputed', detail: 'No.' }];
    assert.deepEqual(bodies(events), [answer]);
    assert.deepEqual(bodies(applyCommand(payment, commands.refund).events), [answer]);
    assert.equal(nextStep(payment), null);
  });

  it('is refused, and nothing moves, where there is no money of a completed order', () => {
    for (const [payment, code] of [
      [unknownPayment, 'not-captured'],
      [authorized, 'not-captured'],
      [after('authorize', facts.declined), 'not-captured'],
      [applyCommand(captured, commands.cancel).payment, 'order-given-up'],
      [after('authorize', facts.authorized, 'capture', facts.captured, 'cancel', facts.refunded), 'order-given-up'],
      [applyCommand(captured, commands.refundOther).payment, 'claimed-already'],
    ] as const) {
      const change = applyCommand(payment, commands.refund);
      assert.deepEqual(change.payment, payment);
      assert.deepEqual(
        change.events.map(({ type, body }) => [type, 'code' in body ? body.code : null]),
        [['RefundRefused', code]],
      );
    }
  });

  it('finds what was given back at the provider by hand, and says so', () => {
    const byHand = applyFact(captured, facts.refunded).payment;
    assert.deepEqual(bodies(applyCommand(byHand, commands.refund).events), [refunded]);
  });

  it('and a cancellation at once end in one refund that answers both', () => {
    const both = applyCommand(asked.payment, commands.cancel).payment;
    assert.equal(idempotencyKey(both, 'refund'), idempotencyKey(asked.payment, 'refund'));
    assert.deepEqual(
      applyFact(both, facts.refunded).events.map(({ type }) => type),
      ['PaymentCancelled', 'PaymentRefunded'],
    );
  });
});

describe('a refund that was refused', () => {
  const refused = applyFact(applyCommand(captured, commands.cancel).payment, facts.refundRefused).payment;
  const cancel = (payment: Payment, retry?: number) =>
    applyCommand(payment, { type: 'CancelPayment', body: { orderId, ...(retry === undefined ? {} : { retry }) } });

  it('is tried once more under another key for each higher number, and only told again for the others', () => {
    let payment = refused;
    for (const retry of [1, 2, 7]) {
      const again = cancel(payment, retry);
      assert.deepEqual([again.events, nextStep(again.payment)], [[], 'refund']);
      assert.equal(idempotencyKey(again.payment, 'refund'), `${orderId}-refund-${retry}`);
      const refusal = { step: 'refund', code: 'disputed', detail: 'Still no.', retry } as const;
      const { payment: then } = applyFact(again.payment, { kind: 'refused', refusal });
      for (const number of [undefined, 1, retry]) {
        const told = cancel(then, number);
        assert.deepEqual(told.payment, then);
        assert.deepEqual(
          told.events.map(({ type }) => type),
          ['PaymentCancelRefused'],
        );
      }
      payment = then;
    }
  });

  it('is not taken for refused again because an earlier refusal is heard late', () => {
    const again = cancel(refused, 1).payment;
    assert.deepEqual(applyFact(again, facts.refundRefused), { payment: again, ledger: [], events: [] });
    const done = applyFact(again, facts.refunded);
    assert.deepEqual(
      done.events.map(({ type }) => type),
      ['PaymentCancelled'],
    );
    assert.deepEqual(
      cancel(done.payment, 2).events.map(({ type }) => type),
      ['PaymentCancelled'],
    );
  });

  it('for a claim is tried once more, under the claim’s key, for each higher number', () => {
    let payment = applyFact(applyCommand(captured, commands.refund).payment, facts.refundRefused).payment;
    const grant = (number?: number, of = payment) =>
      applyCommand(of, {
        type: 'RefundPayment',
        body: { orderId, claimId, ...(number === undefined ? {} : { retry: number }) },
      });
    for (const retry of [1, 2, 7]) {
      const again = grant(retry);
      assert.deepEqual([again.events, nextStep(again.payment)], [[], 'refund']);
      assert.equal(idempotencyKey(again.payment, 'refund'), `${orderId}-refund-claim-${claimId}-${retry}`);
      assert.deepEqual(grant(retry + 1, again.payment).payment, again.payment, 'a try is under way');
      const refusal = { step: 'refund', code: 'disputed', detail: 'Still no.', retry } as const;
      payment = applyFact(again.payment, { kind: 'refused', refusal }).payment;
      for (const number of [undefined, 1, retry]) {
        const told = grant(number);
        assert.deepEqual(told.payment, payment);
        assert.deepEqual(
          told.events.map(({ type }) => type),
          ['RefundRefused'],
        );
      }
    }
    const other = applyCommand(payment, commands.refundOther);
    assert.deepEqual(other.payment, payment, 'another claim clears nothing');
    const done = applyFact(grant(8).payment, facts.refunded);
    assert.deepEqual(
      done.events.map(({ type }) => type),
      ['PaymentRefunded'],
    );
    assert.equal(nextStep(grant(9, done.payment).payment), null);
  });
});
