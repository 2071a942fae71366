/** Stock, as catalog's rows have it. */
import type { Queryable } from '@ballast/postgres';

/** A product whose numbers are wrong. */
export interface WrongProduct {
  product_id: string;
  initial: number;
  on_hand: number;
  reserved: number;
  sold: number;
}

const sums = `
  SELECT count(*)::int AS products,
         coalesce(json_agg(json_build_object('product_id', product_id, 'initial', initial, 'on_hand', on_hand, 'reserved', reserved, 'sold', sold))
           FILTER (WHERE initial <> on_hand + reserved + sold OR least(initial, on_hand, reserved, sold) < 0), '[]') AS wrong
    FROM catalog.products`;

/** All reservations there are against all products, in one snapshot. */
const shelf = `
  SELECT p.product_id, p.reserved, p.sold, coalesce(h.reserved, 0)::int AS held, coalesce(h.sold, 0)::int AS gone
    FROM catalog.products p
    LEFT JOIN (SELECT l.product_id,
                      sum(l.quantity) FILTER (WHERE r.state = 'reserved') AS reserved,
                      sum(l.quantity) FILTER (WHERE r.state = 'committed') AS sold
                 FROM catalog.reservation_lines l JOIN catalog.reservations r USING (order_id) GROUP BY l.product_id) h
      USING (product_id)
   WHERE p.reserved <> coalesce(h.reserved, 0) OR p.sold <> coalesce(h.sold, 0)`;

/** Reservations that hold pieces for an order that nobody knows, or that has ended. The index of those that may expire has them. */
const held = `
  SELECT r.order_id, s.state,
         (extract(epoch FROM now() - coalesce(s.moved_at, r.created_at)) * 1000)::float8 AS age_ms
    FROM catalog.reservations r LEFT JOIN checkout.sagas s ON s.id = r.order_id
   WHERE r.state = 'reserved' AND (s.id IS NULL OR s.state IN ('Completed', 'Compensated'))
   ORDER BY r.order_id LIMIT 2000`;

const reservedNow = `SELECT count(*)::int AS reserved FROM catalog.reservations WHERE state = 'reserved'`;

/** Products whose pieces do not add up, and how many were looked at. */
export async function wrongSums(database: Queryable): Promise<{ products: number; wrong: WrongProduct[] }> {
  const [row] = await database.query<{ products: number; wrong: WrongProduct[] }>(sums);
  return row!;
}

/** Products that have other pieces reserved or sold than orders hold. Reads all reservations: not for every second. */
export const wrongShelves = (
  database: Queryable,
): Promise<{ product_id: string; reserved: number; sold: number; held: number; gone: number }[]> =>
  database.query(shelf);

/** Reservations that should be gone, and how many there are in all. */
export async function heldInVain(
  database: Queryable,
): Promise<{ reserved: number; held: { order_id: string; state: string | null; age_ms: number }[] }> {
  const [[count], rows] = [
    await database.query<{ reserved: number }>(reservedNow),
    await database.query<{ order_id: string; state: string | null; age_ms: number }>(held),
  ];
  return { reserved: count!.reserved, held: rows };
}
