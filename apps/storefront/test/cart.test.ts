/** The cart's rules, and what survives a trip through the browser's storage. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Product } from '@ballast/contracts';
import * as rules from '../src/state/cart-rules.ts';
import { parseCart, serializeCart } from '../src/state/cart-storage.ts';

const idOf = (number: number) => `01926f00-0000-7000-8000-${String(number).padStart(12, '0')}`;

const productOf = (number: number, onHand: number): Product => ({
  productId: idOf(number),
  slug: `thing-${number}`,
  name: `Thing ${number}`,
  description: '',
  category: 'Things',
  price: { amount: 1000 + number, currency: 'EUR' },
  image: `/images/products/thing-${number}.svg`,
  onHand,
});

const cartOf = (...parts: [product: Product, quantity: number][]) =>
  parts.reduce((cart, [product, quantity]) => rules.addProduct(cart, product, quantity).cart, rules.emptyCart);

describe('adding to the cart', () => {
  it('adds a product once and then raises its quantity', () => {
    const cart = cartOf([productOf(1, 10), 2], [productOf(1, 10), 3]);
    assert.deepEqual(
      cart.lines.map((line) => line.quantity),
      [5],
    );
    assert.equal(rules.countPieces(cart), 5);
  });

  it('stops at what is on hand, and says so', () => {
    const { cart, message } = rules.addProduct(cartOf([productOf(1, 3), 2]), productOf(1, 3), 2);
    assert.equal(cart.lines[0]?.quantity, 3);
    assert.equal(message, 'Only 3 of Thing 1 are left.');
  });

  it('takes nothing of a product that is sold out', () => {
    const { cart, message } = rules.addProduct(rules.emptyCart, productOf(1, 0), 1);
    assert.deepEqual(cart.lines, []);
    assert.equal(message, 'Thing 1 is sold out.');
  });

  it('stops at the hundred pieces that fit in one order line', () => {
    const { cart, message } = rules.addProduct(rules.emptyCart, productOf(1, 5000), 101);
    assert.equal(cart.lines[0]?.quantity, 100);
    assert.match(message ?? '', /At most 100/);
  });

  it('holds no more than fifty different products', () => {
    const full = cartOf(...Array.from({ length: 50 }, (_, index): [Product, number] => [productOf(index, 5), 1]));
    const { cart, message } = rules.addProduct(full, productOf(99, 5), 1);
    assert.equal(cart.lines.length, 50);
    assert.match(message ?? '', /at most 50/);
    assert.equal(rules.addProduct(full, productOf(7, 5), 1).message, null, 'more of a product already there is fine');
  });
});

describe('changing the cart', () => {
  it('limits a typed quantity to the stock, and says so', () => {
    const { cart, message } = rules.setQuantity(cartOf([productOf(1, 4), 1]), idOf(1), 77);
    assert.equal(cart.lines[0]?.quantity, 4);
    assert.equal(message, 'Only 4 of Thing 1 are left.');
  });

  it('removes a line whose quantity becomes zero', () => {
    assert.deepEqual(rules.setQuantity(cartOf([productOf(1, 4), 2]), idOf(1), 0).cart.lines, []);
  });

  it('takes out what was ordered and leaves what another tab added meanwhile', () => {
    const cart = cartOf([productOf(1, 9), 5], [productOf(2, 9), 1], [productOf(3, 9), 2]);
    const rest = rules.removeOrdered(cart, [
      { productId: idOf(1), quantity: 3 },
      { productId: idOf(2), quantity: 1 },
    ]);
    assert.deepEqual(
      rest.lines.map((line) => [line.name, line.quantity]),
      [
        ['Thing 1', 2],
        ['Thing 3', 2],
      ],
    );
  });

  it('takes over a new price and stock, keeps the quantity, and names what is now too much', () => {
    const changed = { ...productOf(1, 2), price: { amount: 1, currency: 'EUR' } };
    const [line] = rules.refreshLines(cartOf([productOf(1, 9), 5]), [changed]).lines;
    assert.ok(line);
    assert.deepEqual([line.price.amount, line.onHand, line.quantity], [1, 2, 5]);
    assert.equal(rules.lineProblem(line), 'Only 2 of Thing 1 are left.');
  });
});

describe('the stored cart', () => {
  it('comes back as it was written', () => {
    const cart = cartOf([productOf(1, 9), 5], [productOf(2, 9), 1]);
    assert.deepEqual(parseCart(serializeCart(cart)), cart);
  });

  it('is empty where nothing, broken text or another version is stored', () => {
    for (const text of [null, '', '{', 'null', '[]', '{"version":1}', '{"version":2,"lines":[]}'])
      assert.deepEqual(parseCart(text).lines, [], String(text));
  });

  it('leaves out lines that somebody has tampered with and keeps the others', () => {
    const good = cartOf([productOf(1, 9), 5]).lines[0];
    const bad = [
      null,
      7,
      { ...good, productId: 'x' },
      { ...good, productId: idOf(2), quantity: -1 },
      { ...good, productId: idOf(3), quantity: 1.5 },
      { ...good, productId: idOf(4), quantity: 101 },
      { ...good, productId: idOf(5), price: { amount: '1', currency: 'EUR' } },
      { ...good, productId: idOf(6), price: { amount: 1, currency: 'euro' } },
      { ...good, productId: idOf(7), image: 'https://elsewhere.invalid/x.svg' },
      good,
    ];
    const text = JSON.stringify({ version: 1, lines: [good, ...bad] });
    assert.deepEqual(parseCart(text).lines, [good]);
  });
});
