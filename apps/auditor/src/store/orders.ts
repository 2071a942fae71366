/** Orders as every schema has them, one snapshot per look, and which ones to look at. */
import type { Queryable } from '@ballast/postgres';
import type { LogLine } from '../domain/saga-log.ts';
import type { Money, OrderFacts } from '../domain/orders.ts';

/*
 * These statements have no names, so that they are planned each time: for one order or for thousands, for tables that were
 * empty when the auditor connected. What belongs to a row is gathered by an aggregate in a subquery: see libs/saga.
 */

/** $1 ids. An id that nobody knows comes back with nothing but itself. */
const examine = `
  SELECT i.id, s.state, s.version, s.deadline_at IS NOT NULL AS has_deadline,
         (extract(epoch FROM statement_timestamp() - s.moved_at) * 1000)::float8 AS rested_ms,
         o.total_amount, o.currency, r.state AS reservation,
         (SELECT coalesce(json_agg(json_build_array(t.seq, t.from_state, t.event, t.to_state, t.message_id, t.decision IS NOT NULL) ORDER BY t.seq), '[]')
            FROM checkout.saga_transitions t WHERE t.saga_id = i.id) AS log,
         (SELECT coalesce(json_agg(json_build_array(l.kind, l.amount, l.currency)), '[]')
            FROM payments.ledger l WHERE l.order_id = i.id) AS ledger,
         (SELECT max(c.state) FROM claims.claims c
           WHERE c.order_id = i.id AND c.state IN ('granted', 'refunded', 'refund-refused')) AS claim
    FROM unnest($1::uuid[]) AS i(id)
    LEFT JOIN checkout.sagas s ON s.id = i.id
    LEFT JOIN checkout.orders o ON o.order_id = i.id
    LEFT JOIN catalog.reservations r ON r.order_id = i.id`;

/** The next ids behind $1 that any service has a row about, at most $2, for a walk through all of them. */
const nextIds = `
  SELECT id FROM (
    (SELECT order_id AS id FROM checkout.orders WHERE order_id > $1 ORDER BY order_id LIMIT $2)
    UNION
    (SELECT order_id FROM catalog.reservations WHERE order_id > $1 ORDER BY order_id LIMIT $2)
    UNION
    (SELECT DISTINCT order_id FROM (SELECT order_id FROM payments.ledger WHERE order_id > $1 ORDER BY order_id LIMIT $2) l)
  ) ids ORDER BY id LIMIT $2`;

interface ExaminedRow {
  id: string;
  state: string | null;
  version: number | null;
  has_deadline: boolean;
  rested_ms: number | null;
  total_amount: string | null;
  currency: string | null;
  reservation: string | null;
  log: [number, string | null, string, string, string | null, boolean][];
  ledger: [keyof typeof movements, number, string][];
  claim: string | null;
}

const movements = { authorized: 'authorized', captured: 'captured', refunded: 'refunded', voided: 'voided' } as const;

/** Everything about these orders. */
export async function examineOrders(database: Queryable, orderIds: readonly string[]): Promise<OrderFacts[]> {
  if (orderIds.length === 0) return [];
  return (await database.query<ExaminedRow>(examine, [orderIds])).map(toFacts);
}

/** The ids behind `after`, in order; fewer than `limit` at the end. */
export async function orderIdsBehind(database: Queryable, after: string, limit: number): Promise<string[]> {
  return (await database.query<{ id: string }>(nextIds, [after, limit])).map(({ id }) => id);
}

function toFacts(row: ExaminedRow): OrderFacts {
  return {
    orderId: row.id,
    saga:
      row.state === null
        ? null
        : {
            state: row.state,
            version: row.version!,
            hasDeadline: row.has_deadline,
            restedMs: row.rested_ms!,
          },
    placed: row.total_amount === null ? null : { total: Number(row.total_amount), currency: row.currency! },
    reservation: row.reservation,
    log: row.log.map(([seq, from, event, to, messageId, decided]): LogLine => ({
      seq,
      from,
      event,
      to,
      messageId,
      decided,
    })),
    own: toMoney(row.ledger),
    claim: row.claim,
  };
}

function toMoney(ledger: ExaminedRow['ledger']): Money {
  const money = { authorized: 0, captured: 0, refunded: 0, voided: 0 };
  for (const [kind, amount] of ledger) money[movements[kind]] += amount;
  return { ...money, currencies: [...new Set(ledger.map(([, , currency]) => currency))] };
}
