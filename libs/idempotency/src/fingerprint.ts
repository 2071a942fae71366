/** What makes two requests under one key the same request. */
import { createHash } from 'node:crypto';

/**
 * SHA-256 (32 bytes) of a JSON value in canonical form: keys sorted, no spaces, so that neither the order of keys nor
 * the writing matters. The order of arrays does. Source: RFC 8785 (JSON Canonicalization Scheme).
 */
export function fingerprintOf(value: unknown): Buffer {
  return createHash('sha256').update(canonical(value)).digest();
}

/** JavaScript writes numbers and strings and sorts text as RFC 8785 asks for (3.2.2, 3.2.3). */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map((element) => canonical(element ?? null)).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, member]) => `${JSON.stringify(name)}:${canonical(member)}`);
  return `{${members.join(',')}}`;
}
