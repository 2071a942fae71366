/** Orders in PostgreSQL: the rows a saga starts with, and the views that callers read. */
import type { Money, Order, OrderTransition, PaymentChoice, PricedLine } from '@ballast/contracts';
import type { Database } from '@ballast/postgres';
import type { WithStart } from '@ballast/saga';
import type { OrderContext } from '../domain/place-order.ts';

/** Everything about an order that is fixed when it is placed. */
export interface NewOrder {
  id: string;
  userId: string;
  idempotencyKey: string;
  /** Hash of the request, to tell a replay from another request under the same key. */
  fingerprint: string;
  lines: PricedLine[];
  total: Money;
  payment: PaymentChoice;
  context: OrderContext;
}

/** The order's own row decides: under a key that is taken, nothing starts. */
export const orderStart: WithStart<NewOrder> = {
  name: 'order-start',
  accept: `accepted AS (
    INSERT INTO orders (order_id, user_id, idempotency_key, fingerprint, lines, total_amount, currency, provider, method)
    SELECT * FROM unnest($2::uuid[], $9::uuid[], $10::text[], $11::text[], $12::jsonb[], $13::bigint[], $14::text[], $15::text[], $16::text[])
        AS given(order_id, user_id, idempotency_key, fingerprint, lines, total_amount, currency, provider, method)
     -- Batches are sorted by order id, which is always a new one. What they wait for each other on are these keys.
     ORDER BY user_id, idempotency_key
    ON CONFLICT (user_id, idempotency_key) DO NOTHING
    RETURNING order_id AS id
  )`,
  parameters: (orders) => [
    orders.map((order) => order.userId),
    orders.map((order) => order.idempotencyKey),
    orders.map((order) => order.fingerprint),
    orders.map((order) => JSON.stringify(order.lines)),
    orders.map((order) => order.total.amount),
    orders.map((order) => order.total.currency),
    orders.map((order) => order.payment.provider),
    orders.map((order) => order.payment.method),
  ],
};

const view = `
  SELECT o.order_id AS "orderId", s.state, s.context ->> 'reason' AS reason, o.lines,
         json_build_object('amount', o.total_amount, 'currency', o.currency) AS total,
         json_build_object('provider', o.provider, 'method', o.method) AS payment,
         o.placed_at AS "placedAt",
         (SELECT json_agg(json_build_object('seq', t.seq, 'from', t.from_state, 'event', t.event, 'to', t.to_state,
                                            'at', to_char(t.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))
                          ORDER BY t.seq)
            FROM saga_transitions t WHERE t.saga_id = o.order_id) AS history
    FROM orders o JOIN sagas s ON s.id = o.order_id`;

const findOrder = { name: 'order-find', text: `${view} WHERE o.order_id = $1 AND (o.user_id = $2 OR $3)` };

const listOrders = {
  name: 'order-list',
  text: `${view} WHERE o.user_id = $1 AND o.order_id < $2 ORDER BY o.order_id DESC LIMIT $3`,
};

/** The partial index `sagas_in_review` serves it: the state stands in the text. */
const listInReview = {
  name: 'order-list-in-review',
  text: `${view} WHERE s.state = 'RequiresReview' AND s.id < $1 ORDER BY s.id DESC LIMIT $2`,
};

const findByKey = {
  name: 'order-find-by-key',
  text: `SELECT order_id, fingerprint FROM orders WHERE user_id = $1 AND idempotency_key = $2`,
};

const transitionsAfter = {
  name: 'order-transitions-after',
  text: `
  SELECT seq, from_state AS "from", event, to_state AS "to", at
    FROM saga_transitions WHERE saga_id = $1 AND seq > $2 ORDER BY seq`,
};

const versions = { name: 'order-versions', text: `SELECT id, version FROM sagas WHERE id = ANY($1::uuid[])` };

type OrderRow = Omit<Order, 'placedAt'> & { placedAt: Date };
type TransitionRow = Omit<OrderTransition, 'at'> & { at: Date };

/** Read access to orders. */
export interface OrderStore {
  /** The order, if it is the caller's or the caller may see all. */
  find(orderId: string, userId: string, seesAll: boolean): Promise<Order | null>;
  /** A caller's orders, newest first, older than `before`. */
  list(userId: string, before: string, limit: number): Promise<Order[]>;
  /** Everybody's orders that wait for an operator's decision, newest first, older than `before`. */
  listInReview(before: string, limit: number): Promise<Order[]>;
  findByKey(userId: string, idempotencyKey: string): Promise<{ orderId: string; fingerprint: string } | null>;
  transitionsAfter(orderId: string, seq: number): Promise<OrderTransition[]>;
  /** How many transitions each order has made. */
  versions(orderIds: readonly string[]): Promise<Map<string, number>>;
}

export function createOrderStore(database: Database): OrderStore {
  return {
    find: async (orderId, userId, seesAll) => {
      const [row] = await database.query<OrderRow>(findOrder, [orderId, userId, seesAll]);
      return row === undefined ? null : toOrder(row);
    },
    list: async (userId, before, limit) =>
      (await database.query<OrderRow>(listOrders, [userId, before, limit])).map(toOrder),
    listInReview: async (before, limit) => (await database.query<OrderRow>(listInReview, [before, limit])).map(toOrder),
    findByKey: async (userId, idempotencyKey) => {
      const [row] = await database.query<{ order_id: string; fingerprint: string }>(findByKey, [
        userId,
        idempotencyKey,
      ]);
      return row === undefined ? null : { orderId: row.order_id, fingerprint: row.fingerprint };
    },
    transitionsAfter: async (orderId, seq) =>
      (await database.query<TransitionRow>(transitionsAfter, [orderId, seq])).map((row) => ({
        ...row,
        at: row.at.toISOString(),
      })),
    versions: async (orderIds) => {
      const rows = await database.query<{ id: string; version: number }>(versions, [orderIds]);
      return new Map(rows.map((row) => [row.id, row.version]));
    },
  };
}

const toOrder = (row: OrderRow): Order => ({ ...row, placedAt: row.placedAt.toISOString() });
