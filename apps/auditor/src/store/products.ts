/** Products as the database has them, to be compared with what replicas show. */
import type { Queryable } from '@ballast/postgres';

const changed = `
  SELECT product_id, revision FROM catalog.products ORDER BY revision DESC LIMIT $1`;
const others = `
  SELECT product_id, revision FROM catalog.products WHERE product_id > $1 ORDER BY product_id LIMIT $2`;
const given = `
  SELECT product_id, revision FROM catalog.products WHERE product_id = ANY ($1::uuid[])`;

export interface ProductRevision {
  productId: string;
  revision: number;
}

/** The products that have changed last, the next few of a walk through all, behind `after`, and those of these ids. */
export async function sampleProducts(
  database: Queryable,
  { latest, after, walk, also }: { latest: number; after: string; walk: number; also: readonly string[] },
): Promise<{ products: ProductRevision[]; place: string | null }> {
  const toRevision = (row: { product_id: string; revision: string }): ProductRevision => ({
    productId: row.product_id,
    revision: Number(row.revision),
  });
  const recent = (await database.query<{ product_id: string; revision: string }>(changed, [latest])).map(toRevision);
  const walked = (await database.query<{ product_id: string; revision: string }>(others, [after, walk])).map(
    toRevision,
  );
  const named =
    also.length === 0
      ? []
      : (await database.query<{ product_id: string; revision: string }>(given, [also])).map(toRevision);
  const known = new Map([...recent, ...walked, ...named].map((product) => [product.productId, product]));
  return {
    products: [...known.values()],
    place: walked.length < walk ? null : (walked.at(-1)?.productId ?? null),
  };
}
