/** UUIDv7 (RFC 9562, 5.7): ids that begin with their time, so that a range of ids is a range of times. */

/** Smaller than any UUIDv7 made from this moment (ms since the epoch) on. */
export function lowestAt(milliseconds: number): string {
  const digits = Math.max(0, Math.floor(milliseconds)).toString(16).padStart(12, '0');
  return `${digits.slice(0, 8)}-${digits.slice(8, 12)}-0000-0000-000000000000`;
}

/** Smaller than any id. */
export const lowest = '00000000-0000-0000-0000-000000000000';

const uuid7Shape = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** When an id was made, in ms since the epoch; null where it is no UUIDv7. */
export function madeAt(id: string): number | null {
  return uuid7Shape.test(id) ? Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16) : null;
}
