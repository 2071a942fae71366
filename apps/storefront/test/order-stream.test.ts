/** An order followed through its stream: resumed, repeated, late and missing steps. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { finalOrderStates, orderStates } from '@ballast/contracts';
import type { Order, OrderState, OrderTransition } from '@ballast/contracts';
import { initialView, isFinal, lastStep, reduceOrder } from '../src/state/order-stream.ts';
import type { OrderAction, OrderView } from '../src/state/order-stream.ts';

const way: OrderState[] = ['Initiated', 'StockReserved', 'ReadyForPayment', 'PaymentCaptured', 'Completed'];

const stepOf = (seq: number): OrderTransition => ({
  seq,
  from: way[seq - 2] ?? null,
  event: `Event${seq}`,
  to: way[seq - 1] ?? 'Completed',
  at: `2026-11-21T09:00:0${seq}.000Z`,
});

const orderAt = (seq: number): Order => ({
  orderId: '01926f00-0000-7000-8000-000000000001',
  state: way[seq - 1] ?? 'Completed',
  reason: null,
  lines: [],
  total: { amount: 0, currency: 'EUR' },
  payment: { provider: 'stripe', method: 'pm_card_visa' },
  placedAt: '2026-11-21T09:00:01.000Z',
  history: Array.from({ length: seq }, (_, index) => stepOf(index + 1)),
});

const after = (...actions: OrderAction[]): OrderView => actions.reduce(reduceOrder, initialView);
const transition = (seq: number): OrderAction => ({ type: 'transition', transition: stepOf(seq) });

describe('following an order', () => {
  it('says honestly how far the connection is', () => {
    const actions: OrderAction[] = [
      { type: 'opened' },
      { type: 'snapshot', order: orderAt(1) },
      { type: 'interrupted' },
      { type: 'opened' },
      { type: 'ended' },
    ];
    const seen = actions.map((_, index) => after(...actions.slice(0, index + 1)).connection);
    assert.equal(initialView.connection, 'connecting');
    assert.deepEqual(seen, ['waiting', 'live', 'reconnecting', 'live', 'closed']);
  });

  it('waits for a new snapshot when the stream had to be replaced', () => {
    const view = after({ type: 'snapshot', order: orderAt(1) }, { type: 'replaced' }, { type: 'opened' });
    assert.equal(view.connection, 'waiting');
  });

  it('moves with every step', () => {
    const view = after({ type: 'snapshot', order: orderAt(1) }, transition(2), transition(3));
    assert.equal(view.order?.state, 'ReadyForPayment');
    assert.deepEqual(
      view.order?.history.map((step) => step.seq),
      [1, 2, 3],
    );
  });

  it('ignores steps it has seen: a resumed stream may repeat them', () => {
    const once = after({ type: 'snapshot', order: orderAt(3) });
    assert.deepEqual(reduceOrder(reduceOrder(once, transition(2)), transition(3)), once);
  });

  it('asks for the whole order when a step is missing, and is whole again afterwards', () => {
    const view = after({ type: 'snapshot', order: orderAt(1) }, transition(4));
    assert.equal(view.hasGap, true);
    assert.equal(view.order?.state, 'Initiated', 'nothing is shown that is not known');
    const read = reduceOrder(view, { type: 'read', order: orderAt(4) });
    assert.deepEqual([read.hasGap, read.order?.state], [false, 'PaymentCaptured']);
  });

  it('never goes back to an older answer that comes late', () => {
    const view = after({ type: 'snapshot', order: orderAt(3) }, { type: 'read', order: orderAt(1) });
    assert.equal(lastStep(view.order), 3);
  });

  it('takes the reason that is read after the last step, and nothing from the stream any more', () => {
    const reason = 'The card was declined.';
    const closed = after({ type: 'snapshot', order: orderAt(5) }, { type: 'ended' });
    const read = reduceOrder(closed, { type: 'read', order: { ...orderAt(5), reason } });
    assert.equal(read.order?.reason, reason);
    assert.equal(reduceOrder(read, { type: 'interrupted' }).connection, 'closed');
  });

  it('knows the same final states as the contract', () => {
    assert.deepEqual(
      orderStates.filter((state) => isFinal(state)),
      orderStates.filter((state) => finalOrderStates.includes(state)),
    );
  });
});
