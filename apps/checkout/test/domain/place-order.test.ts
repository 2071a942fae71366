/**
 * Walks every path of the saga's table, with models of catalog and payments around it: every order of delivery, every
 * answer, every deadline at any moment. What is asserted is what the books would show at the end of each path.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { commands, events, finalOrderStates, orderDecisions, orderStates, type OrderState } from '@ballast/contracts';
import { advance, begin, checkDefinition, type Instance } from '@ballast/saga';
import { decisionEvents, orderEvents, placeOrder, type OrderContext } from '../../src/domain/place-order.ts';
import { explore, type World } from './world.ts';

const context: OrderContext = {
  lines: [{ productId: '0199a2f4-0000-7000-8000-000000000001', quantity: 1 }],
  total: { amount: 100, currency: 'EUR' },
  payment: { provider: 'stripe', method: 'pm_card_visa' },
  reason: null,
};

describe('the place-order table', () => {
  it('has no hole', () => {
    assert.deepEqual(checkDefinition(placeOrder), []);
  });

  it('speaks of the states, commands and events that the contracts know', () => {
    assert.deepEqual(Object.keys(placeOrder.states).toSorted(), [...orderStates].toSorted());
    // Refunds for claims come after an order's end: its saga has no part in them.
    const ofClaims = ['RefundPayment', 'PaymentRefunded', 'RefundRefused'];
    const known = (names: object): string[] => Object.keys(names).filter((name) => !ofClaims.includes(name));
    assert.deepEqual(Object.keys(placeOrder.commands).toSorted(), known(commands).toSorted());
    assert.deepEqual([...orderEvents].toSorted(), known(events).toSorted());
    const states = Object.entries(placeOrder.states);
    const rests = states.filter(([, state]) => state.final === true || state.waitsForPerson === true);
    assert.deepEqual(rests.map(([name]) => name).toSorted(), [...finalOrderStates].toSorted());
    assert.deepEqual(Object.keys(decisionEvents), orderDecisions);
  });

  it('has a deadline short enough that an order ends within a minute of the last fault', () => {
    for (const [name, state] of Object.entries(placeOrder.states)) {
      if (!finalOrderStates.includes(name as OrderState)) assert.ok(state.deadline!.seconds <= 40, name);
    }
  });

  it('walks the good path in four steps', () => {
    let { instance } = begin(placeOrder, 'order', context);
    const sent: string[] = [];
    for (const event of ['StockReserved', 'PaymentAuthorized', 'PaymentCaptured', 'StockCommitted']) {
      const step = advance(placeOrder, instance, { event, body: {} })!;
      instance = step.instance;
      sent.push(...step.commands);
    }
    assert.equal(instance.state, 'Completed');
    assert.deepEqual(sent, ['AuthorizePayment', 'CapturePayment', 'CommitStock']);
  });

  it('keeps the first reason it learns', () => {
    const reserved = advance(placeOrder, begin(placeOrder, 'order', context).instance, {
      event: 'StockReserved',
      body: {},
    })!.instance;
    const declined = advance(placeOrder, reserved, {
      event: 'PaymentDeclined',
      body: { detail: 'Your card was declined.' },
    })!.instance;
    const ended = advance(placeOrder, declined, { event: 'StockReleased', body: {} })!.instance;
    assert.equal(ended.context.reason, 'Your card was declined.');
  });
});

describe('an order in review', () => {
  const go = (from: Instance<OrderContext>, ...steps: (string | [event: string, body: object])[]) => {
    const sent: string[] = [];
    let instance = from;
    for (const step of steps) {
      const [event, body] = typeof step === 'string' ? [step, {}] : step;
      const next = advance(placeOrder, instance, { event, body })!;
      instance = next.instance;
      sent.push(...next.commands);
    }
    return { instance, sent, cancel: placeOrder.commands['CancelPayment']!('order', instance.context) };
  };
  const refused: [string, object] = ['PaymentCancelRefused', { detail: 'It is disputed.' }];
  const { instance: inReview } = go(
    begin(placeOrder, 'order', context).instance,
    'StockReserved',
    'PaymentCaptured',
    'StockCommitRejected',
    refused,
  );

  it('says that the money could not be given back', () => {
    assert.equal(inReview.state, 'RequiresReview');
    assert.equal(inReview.context.reason, 'The money could not be given back: It is disputed.');
  });

  it('asks for the refund under a new number each time the operator says so, and says in the end why it was given up', () => {
    const first = go(inReview, 'RefundRetried');
    assert.deepEqual([first.instance.state, first.sent], ['Compensating', ['CancelPayment']]);
    assert.deepEqual(first.cancel, { orderId: 'order', retry: 1 });
    const second = go(first.instance, 'CompensationOverdue', refused, 'RefundRetried', 'PaymentCancelled');
    assert.deepEqual(second.sent, ['CancelPayment', 'CancelPayment']);
    assert.deepEqual(second.cancel, { orderId: 'order', retry: 2 });
    assert.equal(second.instance.state, 'Compensated');
    assert.equal(second.instance.context.reason, 'The reservation was gone when the payment arrived.');
  });

  it('asks for stock that is still owed as well', () => {
    const both = go(
      begin(placeOrder, 'order', context).instance,
      'StockReserved',
      'PaymentAuthorized',
      'CaptureDeadlinePassed',
      refused,
      'RefundRetried',
    );
    assert.deepEqual(both.sent.slice(-2).toSorted(), ['CancelPayment', 'ReleaseStock']);
  });

  it('ends with the operator’s note where it was settled by hand', () => {
    const { instance, sent } = go(inReview, ['SettledByHand', { by: 'operator', note: 'Sent by bank transfer.' }]);
    assert.deepEqual([instance.state, sent], ['Compensated', []]);
    assert.equal(instance.context.reason, 'Sent by bank transfer.');
  });
});

describe('every path through the table', () => {
  const { ends, reached, stuck, transitions } = explore(placeOrder, context);

  it('ends: from everywhere, also from where a person is waited for, a final state can be reached with nothing left in the air', () => {
    assert.deepEqual(stuck, []);
  });

  it('is a large number of situations, not a handful', () => {
    assert.ok(reached.length > 1_000, `${reached.length} situations`);
  });

  it('reaches every state and uses every rule that moves', () => {
    assert.deepEqual(new Set(reached.map((world) => world.saga.state)), new Set(orderStates));
    const used = new Set(transitions);
    const moves = placeOrder.rules.filter((rule) => 'to' in rule).map((rule) => `${rule.from} ${rule.on}`);
    const beyondTheModels = moves.filter((move) => !used.has(move));
    assert.deepEqual(beyondTheModels.toSorted(), unusedMoves.toSorted());
  });

  const holds: Record<'Completed' | 'Compensated', (world: World) => boolean> = {
    Completed: ({ stock, payment }) => stock === 'committed' && payment.state === 'captured',
    Compensated: ({ stock, payment, settledByHand }) =>
      stock !== 'reserved' &&
      stock !== 'committed' &&
      payment.state !== 'authorized' &&
      (payment.state !== 'captured' || (settledByHand && payment.refundRefused)),
  };
  for (const state of ['Completed', 'Compensated'] as const satisfies readonly OrderState[]) {
    it(`ends ${state} only with stock and money where they belong`, () => {
      const here = ends.filter((world) => world.saga.state === state);
      assert.ok(here.length > 0);
      for (const world of here) assert.ok(holds[state](world), JSON.stringify(world));
    });
  }

  it('ends RequiresReview only when the provider refuses to give the money back', () => {
    const here = ends.filter((world) => world.saga.state === 'RequiresReview');
    assert.ok(here.length > 0);
    // A refusal told once more may arrive after the operator has asked again; asking once more then tells what is so.
    for (const { payment } of here)
      assert.ok(payment.refundRefused || (payment.retry > 0 && payment.state === 'refunded'), JSON.stringify(payment));
  });

  it('never asks catalog to put back what it has sold', () => {
    assert.deepEqual(
      reached.filter((world) => world.soldAndReleased),
      [],
    );
  });
});

/**
 * Answers to what the models never do, there for what the real world may: a capture refused before the authorisation
 * was heard of, and a decline after one.
 */
const unusedMoves = ['ReadyForPayment PaymentDeclined', 'StockReserved CaptureRefused'];
