/** Refresh tokens: random values that mean nothing by themselves. */
import { createHash, randomBytes } from 'node:crypto';

/** A new token: 256 random bits, base64url (43 characters). */
export function newRefreshToken(): string {
  return randomBytes(32).toString('base64url');
}

/**
 * What is stored of a token. A plain SHA-256 is enough: there is nothing to guess in 256 random bits, and looking a
 * token up by its hash leaves no timing to measure.
 */
export function hashRefreshToken(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
