// Identifiers in the shapes the two products use.

import { randomBytes, randomInt } from 'node:crypto';

const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const BASE36 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ';

/** A Stripe id: prefix, underscore, 24 letters and digits. */
export function stripeId(prefix: string): string {
  return `${prefix}_${pick(BASE62, 24)}`;
}

/** A PayPal id: 17 capitals and digits. */
export function payPalId(): string {
  return pick(BASE36, 17);
}

/** PayPal's debug id: 13 hexadecimal digits. */
export function debugId(): string {
  return randomBytes(7).toString('hex').slice(1);
}

/** A PayPal webhook event id. */
export function payPalEventId(): string {
  return `WH-${pick(BASE36, 17)}-${pick(BASE36, 17)}`;
}

function pick(alphabet: string, length: number): string {
  let text = '';
  for (let index = 0; index < length; index += 1) text += alphabet[randomInt(alphabet.length)] ?? '';
  return text;
}
