// Amounts survive the way to the providers and back exactly.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { payPalMethods, stripeTestMethods } from '../../src/clients/methods.ts';
import { exponentOf, fromDecimal, payPalValue, stripeTakes, toDecimal } from '../../src/clients/money.ts';

test('minor units and decimals are the same amount, whatever the currency', () => {
  for (const [amount, currency, decimal] of [
    [0, 'EUR', '0.00'],
    [1, 'EUR', '0.01'],
    [10, 'EUR', '0.10'],
    [1234, 'USD', '12.34'],
    [1234, 'JPY', '1234'],
    [1, 'BHD', '0.001'],
    [123456, 'KWD', '123.456'],
    [999999999999, 'EUR', '9999999999.99'],
    [8990000000000001, 'EUR', '89900000000000.01'],
  ] as const) {
    assert.equal(toDecimal(amount, currency), decimal);
    const readable = decimal.length <= 16;
    assert.equal(fromDecimal(decimal, currency), readable ? amount : undefined);
  }
});

test('every amount up to a thousand comes back as itself', () => {
  for (const currency of ['EUR', 'JPY', 'TND']) {
    for (let amount = 0; amount <= 1000; amount += 1) {
      assert.equal(fromDecimal(toDecimal(amount, currency), currency), amount);
    }
  }
});

test('decimals that are not an exact amount are not read', () => {
  for (const [value, currency] of [
    ['12.345', 'EUR'],
    ['12.5', 'JPY'],
    ['', 'EUR'],
    ['.5', 'EUR'],
    ['5.', 'EUR'],
    ['-1', 'EUR'],
    ['+1', 'EUR'],
    ['1e3', 'EUR'],
    ['1,000.00', 'EUR'],
    ['0x10', 'EUR'],
    [' 1', 'EUR'],
    ['99999999999999', 'EUR'],
    ['NaN', 'EUR'],
  ] as const) {
    assert.equal(fromDecimal(value, currency), undefined, value);
  }
  assert.equal(fromDecimal('12.5', 'EUR'), 1250);
  assert.equal(fromDecimal('12', 'EUR'), 1200);
  assert.equal(fromDecimal('12.00', 'JPY'), 12);
  assert.equal(fromDecimal('12.340', 'EUR'), 1234);
});

test('PayPal is given whole units where it takes no others', () => {
  assert.equal(payPalValue(1200, 'HUF'), '12');
  assert.equal(payPalValue(1250, 'HUF'), undefined);
  assert.equal(payPalValue(1200, 'JPY'), '1200');
  assert.equal(payPalValue(1250, 'EUR'), '12.50');
  assert.equal(payPalValue(1250, 'KWD'), undefined);
});

test('Stripe is given what it counts as ISO 4217 does', () => {
  assert.equal(stripeTakes(1, 'EUR'), true);
  assert.equal(stripeTakes(1, 'JPY'), true);
  assert.equal(stripeTakes(1230, 'KWD'), true);
  assert.equal(stripeTakes(1234, 'KWD'), false);
  assert.equal(stripeTakes(100, 'ISK'), false);
});

test('the exponents are those of ISO 4217', () => {
  assert.deepEqual(['EUR', 'JPY', 'KWD', 'ISK'].map(exponentOf), [2, 0, 3, 0]);
});

test('real test accounts list the products’ own test names, live ones none', () => {
  const names = stripeTestMethods('sk_test_1').map((method) => method.method);
  assert.ok(names.includes('pm_card_visa') && names.includes('pm_card_chargeDeclined'));
  assert.ok(names.every((name) => !name.includes('standin')));
  assert.deepEqual(stripeTestMethods('sk_live_1'), []);
  assert.deepEqual(
    payPalMethods('vault', true).map((method) => method.method),
    ['paypal_approve', 'paypal_decline'],
  );
  assert.deepEqual(
    payPalMethods('vault', false).map((method) => method.method),
    ['paypal_approve'],
  );
  assert.deepEqual(payPalMethods(undefined, true), []);
});
