// Minor units and the providers' ways of writing them. No floating point arithmetic anywhere.

// ISO 4217 currencies whose minor unit is not a hundredth.
const EXPONENTS: ReadonlyMap<string, number> = new Map([
  ...spread(0, 'BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF'),
  ...spread(3, 'BHD IQD JOD KWD LYD OMR TND'),
]);

// developer.paypal.com/reference/currency-codes; the starred ones take whole units only.
const PAYPAL_CURRENCIES = new Set(
  'AUD BRL CAD CNY CZK DKK EUR HKD HUF ILS JPY MYR MXN TWD NZD NOK PHP PLN GBP SGD SEK CHF THB USD'.split(' '),
);
const PAYPAL_WHOLE_UNITS = new Set(['HUF', 'JPY', 'TWD']);

// Stripe counts these in another unit than ISO 4217 (docs.stripe.com/currencies, "special cases").
const STRIPE_SPECIAL_CASES = new Set(['ISK', 'UGX']);

/** Decimals of an ISO 4217 currency (upper case). */
export function exponentOf(currency: string): number {
  return EXPONENTS.get(currency) ?? 2;
}

/** Minor units as a decimal string: 1050 EUR → `10.50`, 1050 JPY → `1050`. */
export function toDecimal(amount: number, currency: string): string {
  const exponent = exponentOf(currency);
  const digits = String(amount).padStart(exponent + 1, '0');
  return exponent === 0 ? digits : `${digits.slice(0, -exponent)}.${digits.slice(-exponent)}`;
}

/**
 * A decimal string as minor units; undefined if it is no plain decimal, has digits beyond the currency's
 * minor unit, or is too large to be exact.
 */
export function fromDecimal(value: string, currency: string): number | undefined {
  const match = /^(\d{1,13})(?:\.(\d{1,6}))?$/.exec(value);
  if (match === null) return undefined;
  const exponent = exponentOf(currency);
  const fraction = (match[2] ?? '').padEnd(exponent, '0');
  if (/[1-9]/.test(fraction.slice(exponent))) return undefined;
  const amount = Number(`${match[1] ?? ''}${fraction.slice(0, exponent)}`);
  return Number.isSafeInteger(amount) ? amount : undefined;
}

/** Whether PayPal can take exactly this amount, and how it is written; undefined if it cannot. */
export function payPalValue(amount: number, currency: string): string | undefined {
  if (!PAYPAL_CURRENCIES.has(currency)) return undefined;
  const value = toDecimal(amount, currency);
  if (!PAYPAL_WHOLE_UNITS.has(currency)) return value;
  const [whole, fraction = ''] = value.split('.');
  return /[1-9]/.test(fraction) ? undefined : whole;
}

/**
 * Whether Stripe can take exactly this amount as it is: it counts ISK and UGX in another unit than ISO 4217,
 * and takes thousandths only in tens. Source: docs.stripe.com/currencies.
 */
export function stripeTakes(amount: number, currency: string): boolean {
  if (STRIPE_SPECIAL_CASES.has(currency)) return false;
  return exponentOf(currency) < 3 || amount % 10 === 0;
}

function spread(exponent: number, codes: string): [string, number][] {
  return codes.split(' ').map((code) => [code, exponent]);
}
