/** Prices for people: integer minor units in, a currency string out, without a floating-point step between. */
import type { Money } from '@ballast/contracts';

/** The language of the pages: amounts and dates are written the way its readers expect. */
export const pageLocale = 'en-GB';

const formatters = new Map<string, Intl.NumberFormat>();

function formatterFor(currency: string): Intl.NumberFormat {
  const known = formatters.get(currency);
  if (known !== undefined) return known;
  const made = new Intl.NumberFormat(pageLocale, { style: 'currency', currency });
  formatters.set(currency, made);
  return made;
}

/**
 * Number of digits after the decimal point in a currency: 2 for EUR, 0 for JPY, 3 for KWD.
 * Source: ISO 4217, as ECMA-402 requires `Intl.NumberFormat` to know it.
 */
function minorUnitDigits(currency: string): number {
  return formatterFor(currency).resolvedOptions().maximumFractionDigits ?? 2;
}

/** An amount in minor units as exact decimal text, e.g. `1999` EUR → `19.99`, `1999` JPY → `1999`. */
export function decimalText(money: Money): string {
  const digits = minorUnitDigits(money.currency);
  if (digits === 0) return String(money.amount);
  const padded = String(money.amount).padStart(digits + 1, '0');
  return `${padded.slice(0, -digits)}.${padded.slice(-digits)}`;
}

/** An amount as a person writes it, e.g. `€19.99`. Throws a RangeError for a malformed currency code. */
export function formatMoney(money: Money): string {
  return formatterFor(money.currency).format(decimalText(money) as Intl.StringNumericLiteral);
}

/** The price of several pieces. */
export function multiply(unitPrice: Money, quantity: number): Money {
  return { amount: unitPrice.amount * quantity, currency: unitPrice.currency };
}

/** One total for each currency among the amounts, in the order in which the currencies appear. */
function sumByCurrency(amounts: readonly Money[]): Money[] {
  const totals = new Map<string, number>();
  for (const { amount, currency } of amounts) totals.set(currency, (totals.get(currency) ?? 0) + amount);
  return [...totals].map(([currency, amount]) => ({ amount, currency }));
}

/** Totals as one text: `€20.00`, or `€20.00 + ¥500` where lines are priced in several currencies. */
export function formatTotals(amounts: readonly Money[]): string {
  return sumByCurrency(amounts).map(formatMoney).join(' + ');
}
