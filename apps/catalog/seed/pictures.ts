/**
 * Writes every product's picture to the storefront: `node apps/catalog/seed/pictures.ts`.
 * The same input gives the same bytes, so the output is committed and a test compares it.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { pictures } from './pictures/index.ts';
import { render } from './pictures/stage.ts';

/** Where the storefront serves `/images/products/<slug>.svg` from. */
export const pictureFolder = new URL('../../storefront/public/images/products/', import.meta.url);

/** The SVG of one product, as committed. Throws when the slug has no drawing or the category no background. */
export function pictureOf(product: { slug: string; name: string; category: string }): string {
  const picture = pictures[product.slug];
  if (picture === undefined) throw new Error(`No picture is drawn for "${product.slug}"`);
  return render(picture, product.name, product.category);
}

function writeAll(): void {
  const file = readFileSync(new URL('products.json', import.meta.url), 'utf8');
  const products = JSON.parse(file) as { slug: string; name: string; category: string }[];
  mkdirSync(pictureFolder, { recursive: true });
  for (const product of products) {
    writeFileSync(new URL(`${product.slug}.svg`, pictureFolder), pictureOf(product));
  }
  process.stdout.write(`${products.length} pictures in ${fileURLToPath(pictureFolder)}\n`);
}

if (import.meta.main) writeAll();
