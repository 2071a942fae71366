/**
 * Judges a mesh from rows: what its databases hold, what the payment provider's own ledger says, what clients were
 * promised. Nothing here asks a service for its opinion.
 */
import type { Placed } from './shopper.ts';
import type pg from 'pg';

/** One broken promise. */
export interface Violation {
  invariant: string;
  detail: string;
}

/** A line of the provider stand-in's ledger; amounts in minor units. */
export interface LedgerLine {
  orderId: string;
  provider: string;
  currency: string;
  authorized: number;
  captured: number;
  refunded: number;
}

interface OrderRow {
  order_id: string;
  state: string;
  total_amount: string;
  currency: string;
  /** An operator has said that the money went back outside the provider. */
  settled_by_hand: boolean;
}

/** States of an order's claims. */
type Claims = ReadonlyMap<string, readonly string[]>;

/** Everything that must hold once faults are healed and orders have ended (guarantees.md, invariants 1-8). */
export async function judge(
  admin: pg.Client,
  ledger: readonly LedgerLine[],
  placed: readonly Placed[],
): Promise<Violation[]> {
  const found: Violation[] = [];
  const report = (invariant: string, rows: readonly object[]): void => {
    for (const row of rows.slice(0, 5)) found.push({ invariant, detail: JSON.stringify(row) });
    if (rows.length > 5) found.push({ invariant, detail: `and ${rows.length - 5} more` });
  };
  const rows = async (invariant: string, query: string): Promise<void> =>
    report(invariant, (await admin.query(query)).rows as object[]);

  await rows(
    'stock adds up',
    `SELECT product_id, initial, on_hand, reserved, sold FROM catalog.products WHERE initial <> on_hand + reserved + sold OR least(on_hand, reserved, sold) < 0`,
  );
  await rows(
    'stock on the shelf equals what orders hold',
    `SELECT p.product_id, p.reserved, p.sold FROM catalog.products p
       LEFT JOIN (SELECT l.product_id,
                         coalesce(sum(l.quantity) FILTER (WHERE r.state = 'reserved'), 0) AS reserved,
                         coalesce(sum(l.quantity) FILTER (WHERE r.state = 'committed'), 0) AS sold
                    FROM catalog.reservation_lines l JOIN catalog.reservations r USING (order_id) GROUP BY l.product_id) h USING (product_id)
      WHERE p.reserved <> coalesce(h.reserved, 0) OR p.sold <> coalesce(h.sold, 0)`,
  );
  await rows(
    'no reservation is held for a finished or unknown order',
    `SELECT r.order_id, r.state, s.state AS saga FROM catalog.reservations r LEFT JOIN checkout.sagas s ON s.id = r.order_id
      WHERE r.state = 'reserved' AND (s.state IS NULL OR s.state IN ('Completed', 'Compensated'))`,
  );
  await rows(
    'an order is completed exactly if its stock is sold',
    `SELECT s.id, s.state, r.state AS reservation FROM checkout.sagas s LEFT JOIN catalog.reservations r ON r.order_id = s.id
      WHERE s.state <> 'RequiresReview' AND (s.state = 'Completed') <> (coalesce(r.state, 'none') = 'committed')`,
  );
  await rows(
    'every saga has ended',
    `SELECT id, state, version, moved_at FROM checkout.sagas WHERE state NOT IN ('Completed', 'Compensated', 'RequiresReview')`,
  );
  await rows(
    'the log of transitions has no gap and ends where the saga is',
    `SELECT s.id, s.state, s.version, count(t.*) AS logged FROM checkout.sagas s JOIN checkout.saga_transitions t ON t.saga_id = s.id
      GROUP BY s.id HAVING count(t.*) <> s.version OR max(t.seq) <> s.version OR (array_agg(t.to_state ORDER BY t.seq DESC))[1] <> s.state`,
  );
  await rows(
    'nothing leaves a final state',
    `SELECT saga_id, seq, from_state, to_state FROM checkout.saga_transitions
      WHERE (from_state IN ('Completed', 'Compensated') OR from_state = 'RequiresReview' AND decision IS NULL)
        AND to_state <> from_state`,
  );
  const claims = await claimsByOrder(admin);
  for (const schema of ['catalog', 'payments', 'checkout', ...(claims === null ? [] : ['claims'])]) {
    await rows(
      `the outbox of ${schema} is empty`,
      `SELECT id, message ->> 'type' AS type, created_at FROM ${schema}.outbox`,
    );
  }

  const orders = (
    await admin.query<OrderRow>(
      `SELECT o.order_id, s.state, o.total_amount, o.currency,
              EXISTS (SELECT FROM checkout.saga_transitions t WHERE t.saga_id = s.id AND t.event = 'SettledByHand') AS settled_by_hand
         FROM checkout.orders o JOIN checkout.sagas s ON s.id = o.order_id`,
    )
  ).rows;
  report('whatever was answered 2xx exists', missing(placed, orders));
  report('money taken equals orders completed, by the provider', compareMoney(orders, byOrder(ledger), claims));
  report('a granted claim is refunded in the end', unpaid(claims));
  const own = await admin.query<{ order_id: string; currency: string; captured: string; refunded: string }>(
    `SELECT order_id, currency, coalesce(sum(amount) FILTER (WHERE kind = 'captured'), 0) AS captured,
            coalesce(sum(amount) FILTER (WHERE kind = 'refunded'), 0) AS refunded FROM payments.ledger GROUP BY order_id, currency`,
  );
  const ownLines = own.rows.map((row) => ({
    orderId: row.order_id,
    provider: '',
    currency: row.currency,
    authorized: 0,
    captured: Number(row.captured),
    refunded: Number(row.refunded),
  }));
  report('money taken equals orders completed, by our ledger', compareMoney(orders, byOrder(ownLines), claims));
  return found;
}

const byOrder = (ledger: readonly LedgerLine[]): Map<string, LedgerLine> =>
  new Map(ledger.map((line) => [line.orderId, line]));

function missing(placed: readonly Placed[], orders: readonly OrderRow[]): object[] {
  const known = new Set(orders.map((order) => order.order_id));
  return placed.filter((order) => !known.has(order.orderId)).map(({ orderId }) => ({ orderId }));
}

/** Null in a mesh without claims. */
async function claimsByOrder(admin: pg.Client): Promise<Claims | null> {
  const there = await admin.query<{ there: boolean }>(`SELECT to_regclass('claims.claims') IS NOT NULL AS there`);
  if (there.rows[0]?.there !== true) return null;
  const { rows } = await admin.query<{ order_id: string; state: string }>('SELECT order_id, state FROM claims.claims');
  return new Map(
    [...Map.groupBy(rows, (row) => row.order_id)].map(([id, list]) => [id, list.map(({ state }) => state)]),
  );
}

const unpaid = (claims: Claims | null): object[] =>
  [...(claims ?? [])]
    .filter(([, states]) => states.includes('granted'))
    .map(([orderId, states]) => ({ orderId, claims: states }));

/**
 * For each order: what was kept is its total if it completed and no claim about it was refunded, else nothing; and no
 * money without an order. Left out are orders that a person is still to decide about, and those whose money a person
 * has given back outside the provider.
 */
function compareMoney(
  orders: readonly OrderRow[],
  ledger: ReadonlyMap<string, LedgerLine>,
  claims: Claims | null,
): object[] {
  const wrong: object[] = [];
  const known = new Set<string>();
  for (const order of orders) {
    known.add(order.order_id);
    if (order.state === 'RequiresReview' || order.settled_by_hand) continue;
    const claimed = claims?.get(order.order_id) ?? [];
    const line = ledger.get(order.order_id);
    const kept = (line?.captured ?? 0) - (line?.refunded ?? 0);
    if ((line?.captured ?? 0) > Number(order.total_amount))
      wrong.push({ orderId: order.order_id, capturedMoreThanOnce: line?.captured });
    const earned = order.state === 'Completed' && !claimed.includes('refunded');
    const due = earned ? Number(order.total_amount) : 0;
    const held = order.state === 'Completed' ? 0 : (line?.authorized ?? 0) - (line?.captured ?? 0);
    if (kept !== due || (line !== undefined && line.captured > 0 && line.currency !== order.currency))
      wrong.push({ orderId: order.order_id, state: order.state, claims: claimed, due, kept });
    if (held > 0) wrong.push({ orderId: order.order_id, state: order.state, stillHeld: held });
  }
  for (const line of ledger.values())
    if (!known.has(line.orderId) && line.captured !== line.refunded)
      wrong.push({ orderId: line.orderId, unknownOrder: true });
  return wrong;
}
