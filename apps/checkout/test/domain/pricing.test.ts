import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { canonicalRequest, priceOrder } from '../../src/domain/pricing.ts';

const mug = '0199a2f4-0000-7000-8000-00000000000a';
const lamp = '0199a2f4-0000-7000-8000-00000000000b';
const dollars = '0199a2f4-0000-7000-8000-00000000000c';
const quotes = new Map([
  [mug, { name: 'Mug', price: { amount: 1250, currency: 'EUR' } }],
  [lamp, { name: 'Lamp', price: { amount: 399, currency: 'EUR' } }],
  [dollars, { name: 'Dollar book', price: { amount: 100, currency: 'USD' } }],
]);

describe('the price of an order', () => {
  it('is the sum of its lines at the catalog’s prices', () => {
    const lines = [
      { productId: mug, quantity: 2 },
      { productId: lamp, quantity: 3 },
    ];
    assert.deepEqual(priceOrder(lines, quotes), {
      ok: true,
      lines: [
        { productId: mug, name: 'Mug', quantity: 2, unitPrice: { amount: 1250, currency: 'EUR' } },
        { productId: lamp, name: 'Lamp', quantity: 3, unitPrice: { amount: 399, currency: 'EUR' } },
      ],
      total: { amount: 3697, currency: 'EUR' },
    });
  });

  it('finds products whose id is written in upper case, and stores it in lower case', () => {
    const priced = priceOrder([{ productId: mug.toUpperCase(), quantity: 1 }], quotes);
    assert.equal(priced.ok && priced.lines[0]?.productId, mug);
  });

  for (const [what, lines, code, field] of [
    ['a product nobody sells', [mug, '0199a2f4-0000-7000-8000-0000000000ff'], 'unknown-product', 'lines.1.productId'],
    ['a product that stands in two lines', [mug, lamp, mug.toUpperCase()], 'invalid-input', 'lines.2.productId'],
    ['products of two currencies', [lamp, dollars], 'invalid-input', 'lines.1.productId'],
  ] as const) {
    it(`does not exist for ${what}, and the line is named`, () => {
      const priced = priceOrder(
        lines.map((productId) => ({ productId, quantity: 1 })),
        quotes,
      );
      assert.ok(!priced.ok);
      assert.equal(priced.code, code);
      assert.equal(priced.field, field);
    });
  }
});

describe('two requests under one idempotency key', () => {
  const request = {
    lines: [
      { productId: mug, quantity: 1 },
      { productId: lamp, quantity: 2 },
    ],
    payment: { provider: 'stripe', method: 'pm_card_visa' },
  } as const;
  const same = (other: Parameters<typeof canonicalRequest>[0]): boolean =>
    canonicalRequest({ ...request, lines: [...request.lines] }) === canonicalRequest(other);

  it('are the same however their ids are written', () => {
    const lines = request.lines.map((line) => ({ ...line, productId: line.productId.toUpperCase() }));
    assert.ok(same({ ...request, lines }));
  });

  it('differ in a quantity, a product, the order of lines, the provider or the method', () => {
    const [first, second] = request.lines;
    for (const other of [
      { ...request, lines: [{ ...first, quantity: 3 }, second] },
      { ...request, lines: [first] },
      { ...request, lines: [second, first] },
      { ...request, lines: [...request.lines], payment: { ...request.payment, provider: 'paypal' as const } },
      { ...request, lines: [...request.lines], payment: { ...request.payment, method: 'pm_card_amex' } },
    ]) {
      assert.ok(!same(other), JSON.stringify(other));
    }
  });
});
