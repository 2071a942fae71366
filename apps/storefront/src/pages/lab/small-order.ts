/** A small order of the operator's own, brought to its end: what races and refunds need to begin with. */
import type { Order } from '@ballast/contracts';
import { getOrder, placeOrder } from '../../api/calls.ts';
import { CannotGoOn } from '../../components/lab/task.ts';
import { orderFailingAt } from '../../lab/choices.ts';
import { watchUntil } from '../../lab/watch.ts';
import { labelOf } from '../../saga/words.ts';
import { newIdempotencyKey } from '../../state/checkout-attempt.ts';
import { loadSupplies } from '../../state/lab-supplies.ts';
import { isFinal } from '../../state/order-stream.ts';

/** Milliseconds an order may take to its end before the demonstration gives up on it. */
const patience = 60_000;

/** Places an order of one piece; resolves to its id. Throws `ApiError`, or `CannotGoOn` where the shop has nothing to sell. */
export async function placeSmallOrder(signal: AbortSignal): Promise<string> {
  const { products, methods } = await loadSupplies(signal);
  const choice =
    orderFailingAt('none', 'stripe', methods, products) ?? orderFailingAt('none', 'paypal', methods, products);
  if (choice === null) throw new CannotGoOn('There is no product on hand, or no means of payment that is accepted.');
  const { orderId } = await placeOrder(choice.order, newIdempotencyKey());
  return orderId;
}

/** Places an order of one piece and waits until it is complete. Throws `CannotGoOn` where it ends in another way. */
export async function completedOrder(signal: AbortSignal, tell: (progress: string) => void): Promise<Order> {
  tell('Placing a small order…');
  const orderId = await placeSmallOrder(signal);
  tell('Waiting until the order is complete…');
  const order = await watchUntil(
    (asked) => getOrder(orderId, asked),
    ({ state }) => isFinal(state),
    { every: 400, deadline: patience, signal },
  );
  if (order === null)
    throw new CannotGoOn('The order did not come to its end within a minute. Is a part of the mesh down?');
  if (order.state !== 'Completed') {
    throw new CannotGoOn(`The order ended as “${labelOf(order.state)}”: ${order.reason ?? 'no reason was given'}`);
  }
  return order;
}
