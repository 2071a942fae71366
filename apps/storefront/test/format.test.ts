/** Money, durations and addresses as people see them. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { decimalText, formatMoney, formatTotals, multiply } from '../src/format/money.ts';
import { elapsedMilliseconds, formatDuration, plural } from '../src/format/time.ts';

describe('money', () => {
  it('puts the decimal point where the currency has it', () => {
    assert.equal(formatMoney({ amount: 1999, currency: 'EUR' }), '€19.99');
    assert.equal(formatMoney({ amount: 1999, currency: 'JPY' }), 'JP¥1,999');
    assert.equal(decimalText({ amount: 1999, currency: 'KWD' }), '1.999');
  });

  it('keeps small amounts and the largest ones exact', () => {
    assert.equal(decimalText({ amount: 5, currency: 'EUR' }), '0.05');
    assert.equal(decimalText({ amount: 0, currency: 'KWD' }), '0.000');
    assert.equal(formatMoney({ amount: 999_999_999_999, currency: 'EUR' }), '€9,999,999,999.99');
  });

  it('multiplies and adds in minor units, one total for each currency', () => {
    const lines = [
      multiply({ amount: 1010, currency: 'EUR' }, 3),
      multiply({ amount: 500, currency: 'JPY' }, 2),
      multiply({ amount: 1, currency: 'EUR' }, 1),
    ];
    assert.equal(formatTotals(lines), '€30.31 + JP¥1,000');
  });

  it('refuses what is no currency', () => {
    assert.throws(() => formatMoney({ amount: 1, currency: 'euro' }), RangeError);
  });
});

describe('durations', () => {
  it('are as short as they can be', () => {
    const written = [0, 85.4, 999, 1200, 9940, 9960, 48_000, 59_600, 125_000].map(formatDuration);
    assert.deepEqual(written, ['0 ms', '85 ms', '999 ms', '1.2 s', '9.9 s', '10 s', '48 s', '1 min', '2 min 5 s']);
  });

  it('never run backwards when two clocks disagree', () => {
    assert.equal(elapsedMilliseconds('2026-11-21T09:00:01.000Z', '2026-11-21T09:00:00.900Z'), 0);
    assert.equal(elapsedMilliseconds('2026-11-21T09:00:00.900Z', '2026-11-21T09:00:01.000Z'), 100);
  });

  it('count one thing and many things', () => {
    assert.deepEqual(
      [plural(1, 'item'), plural(0, 'item'), plural(2, 'box', 'boxes')],
      ['1 item', '0 items', '2 boxes'],
    );
  });
});
