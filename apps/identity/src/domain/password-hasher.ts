/** Hashing and checking passwords for many callers at once, within bounds. */
import { randomBytes } from 'node:crypto';
import { createLimiter } from './limiter.ts';
import { hashPassword, verifyPassword } from './password.ts';

/** Hashes and checks passwords, a bounded number at a time. */
export interface PasswordHasher {
  /** A PHC string for a new password. Rejects with `TooBusy` when too many wait. */
  hash(password: string): Promise<string>;
  /**
   * Whether the password fits. Without a stored hash (nobody has that address) the same work is done against a
   * hash nothing fits, so that the time does not tell. Rejects with `TooBusy` when too many wait.
   */
  matches(stored: string | null, password: string): Promise<boolean>;
}

/**
 * A hasher for this process. Each hash takes 19 MiB and a thread of Node's pool of four for some 30 ms; `atOnce` below
 * four leaves a thread for signatures. What finds `maxWaiting` callers before it is refused.
 */
export async function createPasswordHasher(limits: { atOnce: number; maxWaiting: number }): Promise<PasswordHasher> {
  const limiter = createLimiter(limits);
  const decoy = await hashPassword(randomBytes(32).toString('base64'));
  return {
    hash: (password) => limiter.run(() => hashPassword(password)),
    matches: async (stored, password) => {
      const fits = await limiter.run(() => verifyPassword(stored ?? decoy, password));
      return fits && stored !== null;
    },
  };
}
