/** UUIDv7 (RFC 9562, 5.7): ids that begin with their time, so that a range of ids is a range of times. */

/** Smaller than any UUIDv7 made from this moment (ms since the epoch) on. */
export function lowestAt(milliseconds: number): string {
  const digits = Math.max(0, Math.floor(milliseconds)).toString(16).padStart(12, '0');
  return `${digits.slice(0, 8)}-${digits.slice(8, 12)}-0000-0000-000000000000`;
}

/** Smaller than any id. */
export const lowest = '00000000-0000-0000-0000-000000000000';
