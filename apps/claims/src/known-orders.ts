/**
 * What is known of completed orders. An order is asked for at checkout the first time it is heard of, once for all who
 * ask about it at that moment; then it is a row here, because a completed order never changes.
 */
import { declareFailPoints, failPoint } from '@ballast/faults';
import type { Database } from '@ballast/postgres';
import { ProblemError, type Principal } from '@ballast/service';
import type { CheckoutClient } from './clients/checkout.ts';
import { isKnownOrder, rememberOrder } from './store/orders.ts';

declareFailPoints({
  'before-order-check': 'a claim is about an order not heard of before; checkout is about to be asked',
});

/**
 * Returns the function that makes a caller's completed order known. Rejects with a `ProblemError`: 422 where the caller
 * has no such order, 409 where it has not completed (or never will), 503 where checkout cannot be asked.
 */
export function createKnownOrders(
  database: Database,
  checkout: CheckoutClient,
): (orderId: string, caller: Principal) => Promise<void> {
  const asking = new Map<string, Promise<void>>();

  const learn = async (orderId: string, { userId, token, roles }: Principal): Promise<void> => {
    // Whoever comes here just after the question was answered has looked before it was.
    if (await isKnownOrder(database, orderId, userId)) return;
    await failPoint('before-order-check');
    const order = await checkout.findOwn(orderId, { token, isOperator: roles.includes('operator') });
    if (order === null)
      throw new ProblemError('unknown-order', 'You have no such order, so there is nothing to claim.', {
        field: 'orderId',
      });
    if (order.state !== 'Completed')
      throw new ProblemError('conflict', `Only a completed order can be claimed; this one is ${order.state}.`, {
        field: 'orderId',
      });
    await rememberOrder(database, { orderId, userId, total: order.total });
  };

  return (orderId, caller) => {
    const key = `${caller.userId} ${orderId}`;
    const known = asking.get(key);
    if (known !== undefined) return known;
    const asked = learn(orderId, caller).finally(() => asking.delete(key));
    asking.set(key, asked);
    return asked;
  };
}
