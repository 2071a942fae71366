/**
 * Walks every path of the saga's table, with models of catalog and payments around it: every order of delivery, every
 * answer, every deadline at any moment. What is asserted is what the books would show at the end of each path.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { commands, events, finalOrderStates, orderStates, type OrderState } from '@ballast/contracts';
import { advance, begin, checkDefinition } from '@ballast/saga';
import { orderEvents, placeOrder, type OrderContext } from '../../src/domain/place-order.ts';
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
    assert.deepEqual(Object.keys(placeOrder.commands).toSorted(), Object.keys(commands).toSorted());
    assert.deepEqual([...orderEvents].toSorted(), Object.keys(events).toSorted());
    const finals = Object.entries(placeOrder.states).filter(([, state]) => state.final === true);
    assert.deepEqual(finals.map(([name]) => name).toSorted(), [...finalOrderStates].toSorted());
  });

  it('has a deadline short enough that an order ends within a minute of the last fault', () => {
    for (const [name, state] of Object.entries(placeOrder.states)) {
      if (state.final !== true) assert.ok(state.deadline!.seconds <= 40, name);
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

describe('every path through the table', () => {
  const { ends, reached, stuck, transitions } = explore(placeOrder, context);

  it('ends: from everywhere a final state can be reached with nothing left in the air', () => {
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
    Compensated: ({ stock, payment }) =>
      stock !== 'reserved' && stock !== 'committed' && payment.state !== 'captured' && payment.state !== 'authorized',
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
    for (const world of here) assert.ok(world.payment.refundRefused, JSON.stringify(world));
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
