/** The table `products`, as pages, the operator and other services read and write it. */
import type { Product, QuoteResponse } from '@ballast/contracts';
import { defect } from '@ballast/faults';
import type { Queryable } from '@ballast/postgres';
import { searchPatterns, searchText } from '../domain/search.ts';

/**
 * A product and its row's version: PostgreSQL's xmin, which every write to the row changes. `revision` says which of two
 * versions of one row came first; it never leaves the service.
 */
export interface VersionedProduct {
  product: Product;
  version: string;
  revision: number;
}

/** A product as the seed knows it. */
export interface SeedProduct {
  productId: string;
  slug: string;
  name: string;
  description: string;
  category: string;
  price: { amount: number; currency: string };
  onHand: number;
  position: number;
}

interface ProductRow {
  product_id: string;
  slug: string;
  name: string;
  description: string;
  category: string;
  price_amount: string;
  currency: string;
  image: string;
  position: number;
  on_hand: number;
  version: string;
  revision: string;
}

const columns = `product_id, slug, name, description, category, price_amount, currency, image, position, on_hand,
         xmin::text AS version, revision`;

const listStatement = {
  name: 'products-list',
  text: `
  SELECT ${columns} FROM products
   WHERE search_text LIKE ALL ($1::text[])
     AND ($2::int IS NULL OR (position, product_id) > ($2::int, $3::uuid))
   ORDER BY position, product_id
   LIMIT $4`,
};

/** One product by its key. */
export const findStatement = {
  name: 'products-find',
  text: `SELECT ${columns} FROM products WHERE product_id = $1`,
};

const quoteStatement = {
  name: 'products-quote',
  text: `
  SELECT product_id, name, price_amount, currency FROM products
   WHERE product_id = ANY($1::uuid[])
   ORDER BY product_id`,
};

/** One statement: of writers that saw the same version, one finds it still there. */
export const setOnHandStatement = {
  name: 'products-set-on-hand',
  text: `
  UPDATE products SET on_hand = $3, initial = initial + ($3 - on_hand)
   WHERE product_id = $1 AND xmin::text = ANY($2::text[])
  RETURNING ${columns}`,
};

/** Planted defect: whoever writes last wins. */
const overwriteOnHandStatement = setOnHandStatement.text.replace(
  'xmin::text = ANY($2::text[])',
  '$2::text[] IS NOT NULL',
);

/** A row with all its columns, and its version. */
const rowStatement = `SELECT xmin::text AS xmin, * FROM products WHERE product_id = $1`;

/** Replicas that start together insert in the same order and so wait for each other instead of deadlocking. */
const seedStatement = `
  INSERT INTO products (product_id, slug, name, description, category, search_text, price_amount, currency, image, position, initial, on_hand)
  SELECT product_id, slug, name, description, category, search_text, price_amount, currency, image, position, on_hand, on_hand
    FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::text[], $9::text[], $10::int[], $11::int[])
      AS seed(product_id, slug, name, description, category, search_text, price_amount, currency, image, position, on_hand)
   ORDER BY product_id
  ON CONFLICT DO NOTHING`;

/** Products in list order behind `after`, those that match `query`; at most `limit`. */
export async function listProducts(
  database: Queryable,
  page: { query: string; after: readonly [position: number, productId: string] | null; limit: number },
): Promise<{ product: Product; position: number }[]> {
  const [position, productId] = page.after ?? [null, null];
  const rows = await database.query<ProductRow>(listStatement, [
    searchPatterns(page.query),
    position,
    productId,
    page.limit,
  ]);
  return rows.map((row) => ({ product: toProduct(row), position: row.position }));
}

/** Null when there is no such product. */
export async function findProduct(database: Queryable, productId: string): Promise<VersionedProduct | null> {
  const [row] = await database.query<ProductRow>(findStatement, [productId]);
  return row === undefined ? null : toVersioned(row);
}

/** The row as it stands in the table, columns by name. Null when there is no such product. */
export async function findRow(database: Queryable, productId: string): Promise<Record<string, unknown> | null> {
  const [row] = await database.query(rowStatement, [productId]);
  return row ?? null;
}

/** Names and prices of the products that exist. */
export async function quoteProducts(
  database: Queryable,
  productIds: readonly string[],
): Promise<QuoteResponse['items']> {
  const rows = await database.query<ProductRow>(quoteStatement, [productIds]);
  return rows.map((row) => ({ productId: row.product_id, name: row.name, price: toPrice(row) }));
}

/**
 * Sets what is on hand if the row still has one of `versions`; `initial` moves with it, because the pieces were found
 * or lost and not sold. Null when the version is another or there is no such product.
 */
export async function setOnHand(
  database: Queryable,
  change: { productId: string; versions: readonly string[]; onHand: number },
): Promise<VersionedProduct | null> {
  const statement = defect('catalog.no-version-check') ? overwriteOnHandStatement : setOnHandStatement;
  const [row] = await database.query<ProductRow>(statement, [change.productId, change.versions, change.onHand]);
  return row === undefined ? null : toVersioned(row);
}

/** Puts in the products that are not there yet; those that are stay as they are. */
export async function seedProducts(database: Queryable, products: readonly SeedProduct[]): Promise<void> {
  await database.query(seedStatement, [
    products.map((product) => product.productId),
    products.map((product) => product.slug),
    products.map((product) => product.name),
    products.map((product) => product.description),
    products.map((product) => product.category),
    products.map((product) => searchText(product)),
    products.map((product) => product.price.amount),
    products.map((product) => product.price.currency),
    products.map((product) => `/images/products/${product.slug}.svg`),
    products.map((product) => product.position),
    products.map((product) => product.onHand),
  ]);
}

// The driver hands out bigint as text; prices stay far below 2^53, and so do microseconds until the year 2255.
const toPrice = (row: ProductRow): Product['price'] => ({ amount: Number(row.price_amount), currency: row.currency });

const toProduct = (row: ProductRow): Product => ({
  productId: row.product_id,
  slug: row.slug,
  name: row.name,
  description: row.description,
  category: row.category,
  price: toPrice(row),
  image: row.image,
  onHand: row.on_hand,
});

const toVersioned = (row: ProductRow): VersionedProduct => ({
  product: toProduct(row),
  version: row.version,
  revision: Number(row.revision),
});
