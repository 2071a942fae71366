/**
 * An order that was sent and not answered yet. It is kept with its idempotency key until the answer is known, so that
 * a double click, a retry or a reload places one order and not two.
 */
import type { PlaceOrder } from '@ballast/contracts';

export type CheckoutAttempt = {
  key: string;
  /** Whose order it is: a key counts for one account only. */
  userId: string;
  /** Milliseconds since the epoch. */
  startedAt: number;
  order: PlaceOrder;
};

/** Milliseconds within which a reload sends the order again by itself. Later, the person is asked. */
const resumeByItselfFor = 10 * 60 * 1000;

/** Milliseconds the API surely remembers a key for: it keeps them 24 hours, and clocks differ. */
const keyIsKnownFor = 23 * 60 * 60 * 1000;

/**
 * What to do with an attempt found on loading the page.
 *
 * - `resume`  send it again now, with the same key
 * - `ask`     let the person decide
 * - `forget`  its key is no longer known, or it is another account's
 */
export function whatToDoWith(attempt: CheckoutAttempt, userId: string, now: number): 'resume' | 'ask' | 'forget' {
  const age = now - attempt.startedAt;
  if (attempt.userId !== userId || age < 0 || age > keyIsKnownFor) return 'forget';
  return age > resumeByItselfFor ? 'ask' : 'resume';
}

export function serializeAttempt(attempt: CheckoutAttempt): string {
  return JSON.stringify(attempt);
}

/** The attempt in a stored text; null where there is none or it cannot be read. */
export function parseAttempt(text: string | null): CheckoutAttempt | null {
  if (text === null) return null;
  try {
    const value = JSON.parse(text) as Partial<CheckoutAttempt> | null;
    const readable =
      typeof value?.key === 'string' &&
      typeof value.userId === 'string' &&
      typeof value.startedAt === 'number' &&
      Array.isArray(value.order?.lines) &&
      typeof value.order.payment?.method === 'string';
    return readable ? (value as CheckoutAttempt) : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

/** A fresh idempotency key. Outside a secure context browsers lack `randomUUID`, but not random bytes. */
export function newIdempotencyKey(): string {
  if (typeof crypto.randomUUID === 'function') return crypto.randomUUID();
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
