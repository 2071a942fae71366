/**
 * Stock and reservations, as commands read and write them.
 *
 * Every transaction here takes its locks level by level, and within a level in the order of ids, so that none can wait
 * in a circle: (1) inbox rows, (2) reservations that exist, (3) products, (4) reservations that are new. The expiry
 * skips (1) and never waits at (2); the operator's PUT takes one product and nothing else.
 */
import type { Queryable, Transaction } from '@ballast/postgres';
import type { Known, Line, Reservation, Shortage, Stock, StockByProduct } from '../domain/reservations.ts';

/** A reservation was made by another transaction after this one had looked: look again. */
export class ReservationConflict extends Error {
  readonly retryable = true;
  constructor() {
    super('another transaction decided about the same order first');
    this.name = 'ReservationConflict';
  }
}

/** Decided reservations and the stock they move; `isNew` where there was no row before. */
export interface Changes {
  stock: StockByProduct;
  reservations: readonly { orderId: string; isNew: boolean; reservation: Reservation }[];
}

/** A product whose row was written, and the revision it has now. */
export interface MovedProduct {
  productId: string;
  revision: number;
}

/** Either a new reservation or a moved product; bigint comes as text. */
type WrittenRow = { order_id: string; product_id: null } | { order_id: null; product_id: string; revision: string };

interface ReservationRow {
  order_id: string;
  state: Reservation['state'];
  expires_at: Date | null;
  code: string | null;
  shortages: Shortage[] | null;
  lines: Line[];
}

const reservationColumns = `r.order_id, r.state, r.expires_at, r.code, r.shortages,
         (SELECT coalesce(jsonb_agg(jsonb_build_object('productId', l.product_id, 'quantity', l.quantity) ORDER BY l.product_id), '[]')
            FROM reservation_lines l WHERE l.order_id = r.order_id) AS lines`;

export const lockReservationsStatement = {
  name: 'reservations-lock',
  text: `
  SELECT ${reservationColumns} FROM reservations r
   WHERE r.order_id = ANY($1::uuid[])
   ORDER BY r.order_id
     FOR UPDATE OF r`,
};

const anyExpiredStatement = {
  name: 'reservations-any-expired',
  text: `SELECT EXISTS (SELECT FROM reservations WHERE state = 'reserved' AND expires_at <= now()) AS any`,
};

/** Rows that a command or the other replica is busy with are left to it. */
const lockExpiredStatement = {
  name: 'reservations-lock-expired',
  text: `
  SELECT ${reservationColumns} FROM reservations r
   WHERE r.state = 'reserved' AND r.expires_at <= now()
   ORDER BY r.expires_at
   LIMIT $1
     FOR UPDATE OF r SKIP LOCKED`,
};

const lockStockStatement = {
  name: 'products-lock',
  text: `
  SELECT product_id, on_hand AS "onHand", reserved, sold FROM products
   WHERE product_id = ANY($1::uuid[])
   ORDER BY product_id
     FOR UPDATE`,
};

/**
 * All that a batch decided, in one round trip. Rows are sought by `= ANY` as well as joined: a plan made while the table
 * was empty joins by reading all of it. Returns the new reservations that are really this transaction's, and the
 * products whose rows were written, each with its revision.
 */
export const writeStatement = {
  name: 'reservations-write',
  text: `
  WITH moved AS (
    UPDATE products p SET on_hand = s.on_hand, reserved = s.reserved, sold = s.sold
      FROM unnest($1::uuid[], $2::int[], $3::int[], $4::int[]) AS s(product_id, on_hand, reserved, sold)
     WHERE p.product_id = s.product_id
    RETURNING p.product_id, p.revision
  ), decided AS (
    SELECT * FROM unnest($5::uuid[], $6::boolean[], $7::text[], $8::timestamptz[], $9::text[], $10::jsonb[])
      AS d(order_id, is_new, state, expires_at, code, shortages)
  ), changed AS (
    UPDATE reservations r
       SET state = d.state, expires_at = d.expires_at, code = d.code, shortages = d.shortages, updated_at = now()
      FROM decided d
     WHERE r.order_id = d.order_id AND NOT d.is_new AND r.order_id = ANY($5::uuid[])
  ), opened AS (
    INSERT INTO reservations (order_id, state, expires_at, code, shortages)
    SELECT order_id, state, expires_at, code, shortages FROM decided WHERE is_new ORDER BY order_id
    ON CONFLICT DO NOTHING
    RETURNING order_id
  ), lined AS (
    INSERT INTO reservation_lines (order_id, product_id, quantity)
    SELECT l.order_id, l.product_id, l.quantity
      FROM unnest($11::uuid[], $12::uuid[], $13::int[]) AS l(order_id, product_id, quantity)
      JOIN opened USING (order_id)
  )
  SELECT order_id, NULL::uuid AS product_id, NULL::bigint AS revision FROM opened
   UNION ALL
  SELECT NULL, product_id, revision FROM moved`,
};

/** Waits for whoever is still writing a row: a transaction whose connection broke may be about to commit. */
const revisionsStatement = {
  name: 'products-revisions',
  text: `
  SELECT product_id, revision FROM products
   WHERE product_id = ANY($1::uuid[])
   ORDER BY product_id
     FOR SHARE`,
};

/** The revisions these products have now that nobody writes them; those that do not exist are missing. */
export async function settledRevisions(database: Queryable, productIds: readonly string[]): Promise<MovedProduct[]> {
  const rows = await database.query<{ product_id: string; revision: string }>(revisionsStatement, [productIds]);
  return rows.map((row) => ({ productId: row.product_id, revision: Number(row.revision) }));
}

/** What is known of these orders, by order id; those nobody has heard of are not in it. Locks the rows. */
export async function lockReservations(
  transaction: Transaction,
  orderIds: readonly string[],
): Promise<Map<string, Reservation>> {
  const rows = await transaction.query<ReservationRow>(lockReservationsStatement, [orderIds]);
  return new Map(rows.map((row) => [row.order_id, toReservation(row)]));
}

/** Whether there is a reservation whose time is over. Most of the time there is none, and no transaction is needed. */
export async function anyExpired(database: Queryable): Promise<boolean> {
  const [row] = await database.query<{ any: boolean }>(anyExpiredStatement);
  return row!.any;
}

/** At most `limit` reservations whose time is over, by order id, and locks them. */
export async function lockExpired(transaction: Transaction, limit: number): Promise<Map<string, Reservation>> {
  const rows = await transaction.query<ReservationRow>(lockExpiredStatement, [limit]);
  return new Map(rows.map((row) => [row.order_id, toReservation(row)]));
}

/** Stock of the products that exist, and locks them until the transaction ends. */
export async function lockStock(transaction: Transaction, productIds: readonly string[]): Promise<Map<string, Stock>> {
  if (productIds.length === 0) return new Map();
  const rows = await transaction.query<Stock & { product_id: string }>(lockStockStatement, [productIds]);
  return new Map(rows.map(({ product_id: productId, ...stock }) => [productId, stock]));
}

/**
 * Writes what was decided; returns the products whose pieces were moved. Throws `ReservationConflict` when a new
 * reservation has come to be in the meantime.
 */
export async function writeChanges(transaction: Queryable, changes: Changes): Promise<MovedProduct[]> {
  const { reservations } = changes;
  if (reservations.length === 0) return [];
  const stock = [...changes.stock];
  const expected = reservations.filter(({ isNew }) => isNew);
  const lines = expected.flatMap(({ orderId, reservation }) =>
    linesOf(reservation).map((line) => ({ orderId, ...line })),
  );
  const written = await transaction.query<WrittenRow>(writeStatement, [
    stock.map(([productId]) => productId),
    stock.map(([, pieces]) => pieces.onHand),
    stock.map(([, pieces]) => pieces.reserved),
    stock.map(([, pieces]) => pieces.sold),
    reservations.map(({ orderId }) => orderId),
    reservations.map(({ isNew }) => isNew),
    reservations.map(({ reservation }) => reservation.state),
    reservations.map(({ reservation }) => ('expiresAt' in reservation ? reservation.expiresAt : null)),
    reservations.map(({ reservation }) => ('code' in reservation ? reservation.code : null)),
    reservations.map(({ reservation }) => ('shortages' in reservation ? JSON.stringify(reservation.shortages) : null)),
    lines.map(({ orderId }) => orderId),
    lines.map(({ productId }) => productId),
    lines.map(({ quantity }) => quantity),
  ]);
  const moved: MovedProduct[] = [];
  for (const row of written) {
    if (row.product_id !== null) moved.push({ productId: row.product_id, revision: Number(row.revision) });
  }
  if (written.length - moved.length !== expected.length) throw new ReservationConflict();
  return moved;
}

const linesOf = (known: Known): readonly Line[] => ('lines' in known ? known.lines : []);

/** The table's CHECKs say which columns a state has. */
function toReservation(row: ReservationRow): Reservation {
  switch (row.state) {
    case 'reserved':
    case 'committed':
      return { state: row.state, lines: row.lines, expiresAt: row.expires_at!.toISOString() };
    case 'released':
      return { state: row.state };
    default:
      return { state: row.state, code: row.code!, shortages: row.shortages! };
  }
}
