import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { applyCommand, applyFact, nextStep, type Fact, type Payment } from '../../src/domain/payment.ts';
import { amount, commands, currency, explore, facts, forward, orderId, unknownPayment, type World } from './world.ts';

const asked = applyCommand(unknownPayment, commands.authorize).payment;
const after = (...steps: (keyof typeof commands | Fact)[]): Payment =>
  steps.reduce(
    (payment, step) =>
      (typeof step === 'string' ? applyCommand(payment, commands[step]) : applyFact(payment, step)).payment,
    unknownPayment,
  );
const authorized = after('authorize', facts.authorized);
const captured = after('authorize', facts.authorized, 'capture', facts.captured);

describe('what is wanted of a payment', () => {
  it('leads to one call after the other, and to none when there is nothing to do', () => {
    assert.equal(nextStep(unknownPayment), null);
    assert.equal(nextStep(asked), 'authorize');
    assert.equal(nextStep(authorized), null);
    assert.equal(nextStep(after('authorize', facts.authorized, 'capture')), 'capture');
    assert.equal(nextStep(captured), null);
    assert.equal(nextStep(after('authorize', facts.authorized, 'cancel')), 'void');
    assert.equal(nextStep(applyCommand(captured, commands.cancel).payment), 'refund');
  });

  it('is asked of the provider again to cancel what got no answer, so that there is something to void', () => {
    assert.equal(nextStep(after('authorize', 'cancel')), 'authorize');
    assert.equal(nextStep(after('authorize', 'cancel', facts.authorized)), 'void');
  });

  it('given up before it began is declined when it comes, without a call', () => {
    const { payment, events } = applyCommand(after('cancel'), commands.authorize);
    assert.equal(nextStep(payment), null);
    assert.deepEqual(events, [
      { type: 'PaymentDeclined', body: { orderId, code: 'order-given-up', detail: 'The order was given up.' } },
    ]);
  });

  it('may come in the wrong order: a capture that was faster than its authorisation is not forgotten', () => {
    const payment = after('capture', 'authorize', facts.authorized);
    assert.equal(nextStep(payment), 'capture');
    assert.deepEqual(
      applyFact(payment, facts.captured).events.map(({ type }) => type),
      ['PaymentCaptured'],
    );
  });

  it('that is asked again is answered again, and changes nothing', () => {
    for (const [payment, command, type] of [
      [authorized, commands.authorize, 'PaymentAuthorized'],
      [captured, commands.capture, 'PaymentCaptured'],
      [after('authorize', facts.declined), commands.authorize, 'PaymentDeclined'],
      [after('authorize', facts.authorized, 'cancel', facts.voided), commands.cancel, 'PaymentCancelled'],
    ] as const) {
      const change = applyCommand(payment, command);
      assert.deepEqual(change.payment, payment);
      assert.deepEqual(change.ledger, []);
      assert.deepEqual(
        change.events.map((event) => event.type),
        [type],
      );
    }
  });

  it('no longer possible because the provider let the money go is refused, not left open', () => {
    const lost = applyFact(authorized, facts.voided);
    const types = (events: readonly { type: string }[]): string[] => events.map(({ type }) => type);
    assert.deepEqual(types(lost.events), ['CaptureRefused']);
    assert.deepEqual(types(applyCommand(lost.payment, commands.capture).events), ['CaptureRefused']);
    assert.deepEqual(types(applyFact(asked, facts.voided).events), ['CaptureRefused']);
  });
});

describe('what the provider has done', () => {
  it('is entered in the ledger with its amount, once', () => {
    for (const [payment, fact] of [
      [asked, facts.authorized],
      [authorized, facts.captured],
      [captured, facts.refunded],
    ] as const) {
      const first = applyFact(payment, fact);
      assert.deepEqual(first.ledger, [{ kind: fact.kind, amount, currency }]);
      const second = applyFact(first.payment, fact);
      assert.deepEqual(second, { payment: first.payment, ledger: [], events: [] });
    }
  });

  it('never moves it back when it is heard late', () => {
    for (const fact of [facts.authorized, facts.captured, facts.voided, facts.declined]) {
      assert.deepEqual(applyFact(captured, fact), { payment: captured, ledger: [], events: [] });
    }
  });

  it('of a wrong amount is refused to checkout and given back', () => {
    const { payment, events } = applyFact(after('authorize', facts.authorized, 'capture'), facts.capturedWrongly);
    assert.deepEqual(
      events.map((event) => [event.type, 'code' in event.body ? event.body.code : null]),
      [['CaptureRefused', 'amount-mismatch']],
    );
    assert.equal(nextStep(payment), 'refund');
    const { events: last } = applyFact(payment, { kind: 'refunded', amount: amount + 1, currency });
    assert.deepEqual(last, [{ type: 'PaymentCancelled', body: { orderId, refunded: amount + 1, currency } }]);
  });

  it('after a decline or a void, money that turns up late is given back', () => {
    for (const settled of [
      after('authorize', facts.declined),
      after('authorize', facts.authorized, 'cancel', facts.voided),
    ]) {
      const { payment, events } = applyFact(settled, facts.captured);
      assert.deepEqual(events, []);
      assert.equal(nextStep(payment), 'refund');
    }
  });

  it('that it will not do is told with its own words, cut to what a message may carry', () => {
    const refusal = { step: 'authorize', code: 'c'.repeat(200), detail: 'd'.repeat(900) } as const;
    const [event] = applyFact(asked, { kind: 'refused', refusal }).events;
    assert.deepEqual(event, {
      type: 'PaymentDeclined',
      body: { orderId, code: 'c'.repeat(100), detail: 'd'.repeat(500) },
    });
    const refused = applyFact(applyCommand(captured, commands.cancel).payment, facts.refundRefused);
    assert.equal(refused.events[0]?.type, 'PaymentCancelRefused');
    assert.equal(nextStep(refused.payment), null);
  });
});

describe('every order of commands, replies and webhooks, early, late and again', () => {
  const { worlds, moves, quiet } = explore();
  const show = (world: World): string => JSON.stringify(world);

  it('is a large number of situations, not a handful', () => {
    assert.ok(worlds.length > 500 && quiet.length > 100, `${worlds.length} situations, ${quiet.length} quiet ones`);
    const states = new Set(worlds.map(({ payment }) => payment.state));
    assert.deepEqual([...states].toSorted(), Object.keys(forward).toSorted());
  });

  it('only ever moves a payment forward', () => {
    for (const { name, from, to } of moves) {
      const [before, then] = [from.payment.state, to.payment.state];
      // Cancelled before anything was asked for: there is nothing to let go.
      const unasked = before === 'none' && then === 'voided' && from.payment.provider === null;
      assert.ok(before === then || unasked || forward[before].includes(then), `${name}: ${before} to ${then}`);
    }
  });

  it('never gives up a cancellation', () => {
    for (const { name, from, to } of moves) {
      if (from.payment.wanted === 'cancelled') assert.equal(to.payment.wanted, 'cancelled', name);
    }
  });

  it('enters each movement of money once', () => {
    for (const world of worlds) assert.equal(new Set(world.ledger).size, world.ledger.length, show(world));
  });

  it('can always come to rest', () => {
    const canRest = new Set(quiet.map(show));
    const sources = Map.groupBy(moves, ({ to }) => show(to));
    for (const key of canRest) for (const { from } of sources.get(key) ?? []) canRest.add(show(from));
    assert.deepEqual(
      worlds.filter((world) => !canRest.has(show(world))),
      [],
    );
  });

  it('ends with nothing held and nothing kept where it was cancelled, unless the refund was refused', () => {
    const cancelled = quiet.filter(({ payment }) => payment.wanted === 'cancelled');
    assert.ok(cancelled.some(({ money }) => money.refunded) && cancelled.some(({ money }) => money.held === 'let go'));
    for (const world of cancelled) {
      const { held, taken, refunded, refundsRefused } = world.money;
      assert.notEqual(held, 'held', show(world));
      assert.ok(taken === 0 || refunded || refundsRefused.length > 0, show(world));
      const answer = taken > 0 && !refunded ? 'PaymentCancelRefused' : 'PaymentCancelled';
      assert.ok(world.told.includes(answer), show(world));
    }
  });

  it('ends captured, or refused, where a capture was asked for and nothing cancelled', () => {
    const wanted = quiet.filter(({ payment }) => payment.wanted === 'captured' && payment.provider !== null);
    assert.ok(wanted.some(({ money }) => money.taken === amount));
    for (const world of wanted) {
      const { told, money } = world;
      assert.ok(
        money.taken === amount || told.includes('CaptureRefused') || told.includes('PaymentDeclined'),
        show(world),
      );
      if (money.taken === amount) assert.ok(told.includes('PaymentCaptured'), show(world));
    }
  });

  it('never tells of a capture that did not take the right sum', () => {
    const wrong = worlds.filter(({ money }) => money.taken !== amount);
    assert.ok(wrong.some(({ money }) => money.taken > 0));
    for (const world of wrong) assert.ok(!world.told.includes('PaymentCaptured'), show(world));
  });

  it('answers every claim, and says that money went back only where it did, for one claim only', () => {
    for (const world of quiet) {
      for (const [command, claim] of [
        ['refund', 'a'],
        ['refundAgain', 'a'],
        ['refundOther', 'b'],
      ] as const) {
        if (!world.commanded.includes(command)) continue;
        const answers = [`PaymentRefunded ${claim}`, `RefundRefused ${claim}`];
        assert.ok(
          answers.some((answer) => world.told.includes(answer)),
          show(world),
        );
      }
    }
    const refundedFor = (world: World) => world.told.filter((told) => told.startsWith('PaymentRefunded'));
    assert.ok(quiet.some((world) => refundedFor(world).length === 1));
    for (const world of worlds) {
      assert.ok(refundedFor(world).length <= (world.money.refunded ? 1 : 0), show(world));
    }
  });

  it('gives a captured payment back for the first claim that asks, and for none where there is nothing of the shop’s', () => {
    let triedAgain = 0;
    for (const { name, from, to } of moves) {
      if (name !== 'refund' && name !== 'refundAgain' && name !== 'refundOther') continue;
      const theirs = from.payment.state === 'captured' || from.payment.state === 'refunded';
      const granted = theirs && from.payment.wanted !== 'cancelled' && from.payment.claimId === null;
      if (granted) assert.deepEqual([to.payment.wanted, to.payment.claimId === null], ['refunded', false], show(from));
      else if (to.payment.retry === from.payment.retry) assert.deepEqual(to.payment, from.payment, show(from));
      else {
        // Tried again: for the claim it was refused to, and with nothing else changed.
        assert.deepEqual(
          [name, from.payment.refusal?.step, from.payment.claimId?.at(-1)],
          ['refundAgain', 'refund', 'a'],
        );
        assert.deepEqual(to.payment, { ...from.payment, refusal: null, retry: 1 }, show(from));
        triedAgain += 1;
      }
    }
    assert.ok(triedAgain > 0);
  });

  it('tells the order nothing of a refund for a claim but that it was paid', () => {
    for (const { name, from, to, change } of moves) {
      if (from.payment.claimId !== null) assert.equal(to.payment.claimId, from.payment.claimId, name);
      if (from.payment.wanted !== 'refunded') continue;
      assert.ok(['refunded', 'cancelled'].includes(to.payment.wanted), name);
      if (to.payment.wanted === 'cancelled') continue;
      const told = (change?.events ?? []).map(({ type }) => type);
      assert.ok(
        told.every((type) => ['PaymentCaptured', 'PaymentRefunded', 'RefundRefused'].includes(type)),
        `${name}: ${told.join()}`,
      );
    }
  });

  it('asks for a refund under one key until it is refused, and under each further one once', () => {
    for (const world of worlds) {
      const { refundsRefused } = world.money;
      assert.ok(refundsRefused.filter((key) => !key.endsWith('-1')).length <= 1, show(world));
    }
    const isAgain = (name: string): boolean => name === 'cancelAgain' || name === 'refundAgain';
    const again = moves.filter(({ name, from, to }) => isAgain(name) && to.payment.retry > from.payment.retry);
    assert.deepEqual([...new Set(again.map(({ name }) => name))].toSorted(), ['cancelAgain', 'refundAgain']);
    for (const { from, to } of again) {
      assert.deepEqual([from.payment.retry, to.payment.retry], [0, 1]);
      assert.equal(from.payment.refusal?.step, 'refund');
      assert.equal(nextStep(to.payment), 'refund');
    }
    // A cancellation may have begun; the refund is not tried again.
    const resting = ({ payment: { refusal, retry, state } }: World) => ({ refusal, retry, state });
    for (const { name, from, to } of moves)
      if (isAgain(name) && from.payment.retry === 1) assert.deepEqual(resting(to), resting(from));
  });

  it('agrees with the provider about what was taken and given back once it is quiet', () => {
    for (const world of quiet) {
      const { payment, money } = world;
      assert.equal(payment.capturedAmount ?? 0, money.taken, show(world));
      assert.equal(payment.state === 'refunded', money.refunded, show(world));
    }
  });
});
