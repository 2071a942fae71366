/** The table `completed_orders`: facts that do not change any more. */
import type { Money } from '@ballast/contracts';
import type { Queryable } from '@ballast/postgres';

/** A completed order and whose it is. */
export interface CompletedOrder {
  orderId: string;
  userId: string;
  total: Money;
}

const remember = {
  name: 'completed-order-remember',
  text: `
  INSERT INTO completed_orders (order_id, user_id, total_amount, currency) VALUES ($1, $2, $3, $4)
  ON CONFLICT (order_id) DO NOTHING`,
};

const isKnown = {
  name: 'completed-order-is-known',
  text: `SELECT FROM completed_orders WHERE order_id = $1 AND user_id = $2`,
};

/** Whether the order is known as this user's. */
export async function isKnownOrder(database: Queryable, orderId: string, userId: string): Promise<boolean> {
  return (await database.query(isKnown, [orderId, userId])).length > 0;
}

/** Keeps an order; one that is known already stays as it is. */
export async function rememberOrder(database: Queryable, order: CompletedOrder): Promise<void> {
  await database.query(remember, [order.orderId, order.userId, order.total.amount, order.total.currency]);
}
