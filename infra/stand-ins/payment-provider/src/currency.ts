// Money as PayPal writes it: a decimal string whose number of decimals is the currency's, turned into
// integer minor units and back without ever touching a floating point number.

// ISO 4217 minor units that differ from the usual two.
const EXPONENTS: ReadonlyMap<string, number> = new Map([
  ...[
    'BIF',
    'CLP',
    'DJF',
    'GNF',
    'ISK',
    'JPY',
    'KMF',
    'KRW',
    'PYG',
    'RWF',
    'UGX',
    'VND',
    'VUV',
    'XAF',
    'XOF',
    'XPF',
  ].map((code) => [code, 0] as const),
  ...['BHD', 'IQD', 'JOD', 'KWD', 'LYD', 'OMR', 'TND'].map((code) => [code, 3] as const),
]);

/** Decimals of an ISO 4217 currency (upper case). */
function exponentOf(currency: string): number {
  return EXPONENTS.get(currency) ?? 2;
}

/** Minor units as a decimal string with exactly the currency's decimals: 1050 EUR → `10.50`. */
export function toDecimal(amount: number, currency: string): string {
  const exponent = exponentOf(currency);
  const digits = String(amount).padStart(exponent + 1, '0');
  return exponent === 0 ? digits : `${digits.slice(0, -exponent)}.${digits.slice(-exponent)}`;
}

/**
 * A decimal string as minor units. Undefined if it is not a plain decimal, has more decimals than the
 * currency, or is beyond what a double holds exactly.
 */
export function fromDecimal(value: string, currency: string): number | undefined {
  const match = /^(\d{1,13})(?:\.(\d{1,3}))?$/.exec(value);
  if (match === null) return undefined;
  const exponent = exponentOf(currency);
  const fraction = match[2] ?? '';
  if (fraction.length > exponent) return undefined;
  const amount = Number(`${match[1] ?? ''}${fraction.padEnd(exponent, '0')}`);
  return Number.isSafeInteger(amount) ? amount : undefined;
}
