/** Placing an order exactly once: the attempt is written down before it is sent, and crossed out when it is answered. */
import { signal } from '@preact/signals';
import type { OrderAccepted, PlaceOrder } from '@ballast/contracts';
import { placeOrder } from '../api/calls.ts';
import { ApiError } from '../api/errors.ts';
import { removeOrderedFromCart } from './cart.ts';
import { newIdempotencyKey, parseAttempt, serializeAttempt, whatToDoWith } from './checkout-attempt.ts';
import type { CheckoutAttempt } from './checkout-attempt.ts';

/**
 * - `idle`     nothing is under way
 * - `sending`  an order is on its way
 * - `unknown`  it was sent, but whether it arrived is not known: only asking again with the same key is safe
 * - `refused`  it was not placed
 */
export type Placing = {
  status: 'idle' | 'sending' | 'unknown' | 'refused';
  error: unknown;
};

export const placing = signal<Placing>({ status: 'idle', error: null });

/**
 * How often an order that is still being worked on is asked for. Each time the client sends it three times and waits in
 * between as it is told, a second at least: longer, in all, than the 7 seconds after which the API gives up a server of
 * its own that died in the middle.
 */
const mostRounds = 4;

const storageKey = 'ballast.checkout-attempt';
let current: CheckoutAttempt | null = null;

function remember(attempt: CheckoutAttempt | null): void {
  current = attempt;
  try {
    if (attempt === null) sessionStorage.removeItem(storageKey);
    else sessionStorage.setItem(storageKey, serializeAttempt(attempt));
  } catch (error) {
    // Without storage a reload cannot resume the order; a retry in this page still can.
    if (!(error instanceof DOMException)) throw error;
  }
}

function recall(): CheckoutAttempt | null {
  if (current !== null) return current;
  try {
    return parseAttempt(sessionStorage.getItem(storageKey));
  } catch (error) {
    if (!(error instanceof DOMException)) throw error;
    return null;
  }
}

/** Places an order. Answers with its id, or null where it was not placed or that is not known yet: see `placing`. */
export function submitOrder(order: PlaceOrder, userId: string): Promise<string | null> {
  if (placing.value.status === 'sending') return Promise.resolve(null);
  remember({ key: newIdempotencyKey(), userId, startedAt: Date.now(), order });
  return send();
}

/** Sends the unanswered order again, with the same key. */
export function retryOrder(): Promise<string | null> {
  if (placing.value.status === 'sending') return Promise.resolve(null);
  return send();
}

/** Takes up what a reload interrupted. Answers with the order's id where it could be settled at once. */
export function resumeOrder(userId: string): Promise<string | null> {
  if (placing.value.status === 'sending') return Promise.resolve(null);
  const attempt = recall();
  current = attempt;
  if (attempt === null) return Promise.resolve(null);
  const todo = whatToDoWith(attempt, userId, Date.now());
  if (todo === 'resume') return send();
  if (todo === 'forget') forgetOrder();
  else placing.value = { status: 'unknown', error: null };
  return Promise.resolve(null);
}

/** Gives up an attempt: the person has decided to look at their orders and begin anew. */
export function forgetOrder(): void {
  remember(null);
  placing.value = { status: 'idle', error: null };
}

async function send(): Promise<string | null> {
  const attempt = current;
  if (attempt === null) return null;
  placing.value = { status: 'sending', error: null };
  try {
    const accepted = await placeWithPatience(attempt);
    removeOrderedFromCart(attempt.order.lines);
    forgetOrder();
    return accepted.orderId;
  } catch (error) {
    const unknown = error instanceof ApiError && error.outcomeUnknown;
    if (!unknown) remember(null);
    placing.value = { status: unknown ? 'unknown' : 'refused', error };
    return null;
  }
}

/** Places the order. That the first sending of it is still running is no failure: its answer will be ours. */
async function placeWithPatience(attempt: CheckoutAttempt): Promise<OrderAccepted> {
  for (let round = 1; ; round += 1) {
    try {
      return await placeOrder(attempt.order, attempt.key);
    } catch (error) {
      const running = error instanceof ApiError && error.details.code === 'in-progress';
      if (!running || round === mostRounds) throw error;
    }
  }
}
