/** Searching products: the text that is looked at, and the patterns a query becomes. */

/** Folds what a person would call the same word: case, accents and compatibility forms (ligatures, wide letters). */
function fold(text: string): string {
  return text.normalize('NFKD').replaceAll(/\p{M}/gu, '').toLowerCase();
}

/** What is stored beside a product to be searched. */
export function searchText(product: { name: string; category: string; description: string }): string {
  return fold([product.name, product.category, product.description].join(' '));
}

/** LIKE patterns (escape character `\`) that must all match `searchText`; none for an empty query. */
export function searchPatterns(query: string): string[] {
  return fold(query)
    .split(/\s+/u)
    .filter((word) => word !== '')
    .map((word) => `%${word.replaceAll(/[\\%_]/g, String.raw`\$&`)}%`);
}
