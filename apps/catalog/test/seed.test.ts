/** The seed is what the shop opens with: complete, valid by the contract, and with a safe picture for everything. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { Product } from '@ballast/contracts';
import { Type, type Static } from 'typebox';
import { Compile } from 'typebox/compile';
import { pictureFolder, pictureOf } from '../seed/pictures.ts';

const SeedProduct = Type.Object(
  { ...Type.Omit(Product, ['image']).properties, position: Type.Integer({ minimum: 1 }) },
  { additionalProperties: false },
);
const seedProduct = Compile(SeedProduct);

const file = readFileSync(new URL('../seed/products.json', import.meta.url), 'utf8');
const entries: unknown = JSON.parse(file);
assert.ok(Array.isArray(entries), 'the seed is a list');
const products = entries as Static<typeof SeedProduct>[];

const uuid7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** Says what is wrong with a picture, or nothing: a strict subset of XML is enough for drawings made by us. */
function faultOf(picture: string): string | undefined {
  const token = /<(\/?)([a-zA-Z]+)((?: [a-zA-Z][a-zA-Z0-9:-]*="[^"<&]*")*)(\/?)>|([^<>&]|&(?:amp|lt|gt);)+/gy;
  const open: string[] = [];
  let position = 0;
  while (position < picture.length) {
    token.lastIndex = position;
    const match = token.exec(picture);
    if (match === null) return `is not XML at character ${position}`;
    position = token.lastIndex;
    const [text, closing, name, attributes = '', empty] = match;
    if (name === undefined) {
      if (open.length === 0 && text.trim() !== '') return 'has text outside its root';
      continue;
    }
    if (open.length === 0 && name !== 'svg') return `has <${name}> outside its root`;
    if (['script', 'foreignObject', 'image', 'use', 'a', 'style', 'animate', 'set'].includes(name))
      return `has a <${name}>`;
    const names = [...attributes.matchAll(/ ([a-zA-Z][a-zA-Z0-9:-]*)=/g)].map((found) => found[1] ?? '');
    if (new Set(names).size !== names.length) return `repeats an attribute in <${name}>`;
    const refused = names.find((each) => /^on|href$|^style$/i.test(each));
    if (refused !== undefined) return `has the attribute ${refused}`;
    if (closing === '/' && open.pop() !== name) return `closes <${name}> that is not open`;
    if (closing === '' && empty === '') open.push(name);
  }
  if (open.length > 0) return `leaves <${open.join('><')}> open`;
  const references = [...picture.matchAll(/url\(([^)]*)\)/g)].map((found) => found[1] ?? '');
  const lost = references.find((each) => !each.startsWith('#') || !picture.includes(` id="${each.slice(1)}"`));
  if (lost !== undefined) return `refers to ${lost}, which is not in it`;
  const address = picture.replace('http://www.w3.org/2000/svg', '').match(/[a-z]+:\/\/|data:|javascript:/i);
  return address === null ? undefined : `names the address ${address[0]}`;
}

describe('the products of the seed', () => {
  it('are sixty, each valid by the contract and with its place on the front page', () => {
    assert.equal(products.length, 60);
    for (const product of products) {
      assert.deepEqual([...seedProduct.Errors(product)], [], JSON.stringify(product));
    }
  });

  it('have fixed version 7 ids, and ids, slugs, names and positions of their own', () => {
    for (const product of products) {
      assert.match(product.productId, uuid7);
      assert.match(product.slug, /^[a-z0-9]+(-[a-z0-9]+)*$/);
    }
    for (const key of ['productId', 'slug', 'name', 'position'] as const) {
      assert.equal(new Set(products.map((product) => product[key])).size, 60, key);
    }
    assert.deepEqual(
      products.map((product) => product.position).toSorted((a, b) => a - b),
      Array.from({ length: 60 }, (_, index) => index + 1),
    );
  });

  it('fill six to eight categories and mix them on the front page', () => {
    const categories = new Set(products.map((product) => product.category));
    assert.ok(categories.size >= 6 && categories.size <= 8);
    const shown = products.toSorted((a, b) => a.position - b.position);
    const firstPage = new Set(shown.slice(0, 12).map((product) => product.category));
    assert.equal(firstPage.size, categories.size);
  });

  it('cost believable euros and are described in two or three sentences', () => {
    for (const { slug, price, description } of products) {
      assert.equal(price.currency, 'EUR', slug);
      assert.ok(price.amount >= 500 && price.amount <= 100_000, slug);
      const sentences = description.split(/(?<=[.!?]) (?=[A-Z])/).length;
      assert.ok(sentences >= 2 && sentences <= 3, `${slug}: ${sentences} sentences`);
    }
  });

  it('are plenty, but for three scarce ones and one that is sold out and shown last', () => {
    const soldOut = products.filter((product) => product.onHand === 0);
    const scarce = products.filter((product) => product.onHand >= 3 && product.onHand <= 8);
    const plenty = products.filter((product) => product.onHand >= 200 && product.onHand <= 5000);
    assert.deepEqual(
      soldOut.map((product) => product.position),
      [60],
    );
    assert.equal(scarce.length, 3);
    assert.equal(plenty.length, 56);
  });
});

describe('the pictures of the seed', () => {
  it('exist for every product, and no other lies beside them', () => {
    const expected = products.map((product) => `${product.slug}.svg`).toSorted();
    assert.deepEqual(readdirSync(pictureFolder).toSorted(), expected);
  });

  it('are what the generator draws today', () => {
    for (const product of products) {
      const committed = readFileSync(new URL(`${product.slug}.svg`, pictureFolder), 'utf8');
      assert.ok(committed === pictureOf(product), `${product.slug}: run node apps/catalog/seed/pictures.ts`);
    }
  });

  it('are small, well-formed, titled, and run and fetch nothing', () => {
    for (const { slug, name } of products) {
      const picture = readFileSync(new URL(`${slug}.svg`, pictureFolder), 'utf8');
      assert.equal(faultOf(picture), undefined, slug);
      assert.match(picture, /^<svg [^>]*viewBox="0 0 640 480"[^>]*role="img"/);
      assert.ok(picture.includes(`<title>${name}</title>`), slug);
      assert.ok(picture.length >= 1500 && picture.length <= 6500, `${slug}: ${picture.length} bytes`);
    }
  });

  it('would be refused with a script, a link, an outside reference or a tag left open', () => {
    const around = (inside: string): string => `<svg xmlns="http://www.w3.org/2000/svg">${inside}</svg>`;
    assert.equal(faultOf(around('<g><path d="M0 0"/></g>')), undefined);
    for (const bad of [
      '<script>alert(1)</script>',
      '<path d="M0 0" onclick="go()"/>',
      '<path style="fill:red"/>',
      '<image href="x.png"/>',
      '<rect fill="url(https://example.org/a#b)"/>',
      '<rect fill="url(#nowhere)"/>',
      '<rect x="1" x="2"/>',
      '<g>',
      '</g>',
      '<rect x=1/>',
      'salt & rope',
    ]) {
      assert.notEqual(faultOf(around(bad)), undefined, bad);
    }
  });
});
