/** Products as the database has them, to be compared with what replicas show. */
import type { Queryable } from '@ballast/postgres';

const changed = `
  SELECT product_id, revision FROM catalog.products ORDER BY revision DESC LIMIT $1`;
const others = `
  SELECT product_id, revision FROM catalog.products WHERE product_id > $1 ORDER BY product_id LIMIT $2`;

export interface ProductRevision {
  productId: string;
  revision: number;
}

/** The products that have changed last, and the next few of a walk through all, behind `after`. */
export async function sampleProducts(
  database: Queryable,
  { latest, after, walk }: { latest: number; after: string; walk: number },
): Promise<{ products: ProductRevision[]; place: string | null }> {
  const toRevision = (row: { product_id: string; revision: string }): ProductRevision => ({
    productId: row.product_id,
    revision: Number(row.revision),
  });
  const recent = (await database.query<{ product_id: string; revision: string }>(changed, [latest])).map(toRevision);
  const walked = (await database.query<{ product_id: string; revision: string }>(others, [after, walk])).map(
    toRevision,
  );
  const known = new Map([...recent, ...walked].map((product) => [product.productId, product]));
  return {
    products: [...known.values()],
    place: walked.length < walk ? null : (walked.at(-1)?.productId ?? null),
  };
}
