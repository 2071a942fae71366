/** One order as a good client places it: one key, and the same question again where no answer came. */
import { randomUUID } from 'node:crypto';
import { OrderAccepted, type PaymentChoice } from '@ballast/contracts';
import { Compile } from 'typebox/compile';
import type { Answer } from '../clients/http.ts';
import type { Account } from './accounts.ts';
import type { Caller } from './caller.ts';

const acceptedCheck = Compile(OrderAccepted);
/** After the first try. */
const retries = 3;

export type Placed = { outcome: 'accepted'; orderId: string } | { outcome: 'refused' } | { outcome: 'failed' };

/** How long to wait before the next try, in ms: as told, else a little more each time. Null: there is none. */
function againAfter(answer: Answer | null, tries: number, random: () => number): number | null {
  if (tries > retries) return null;
  if (answer === null || answer.status >= 500) return 200 * tries * (0.5 + random());
  // Too many requests, or the first with this key is still running.
  if (answer.status !== 429 && answer.status !== 409) return answer.status === 401 ? 300 * tries : null;
  const told = Number(answer.headers['retry-after'] ?? 1);
  return Math.min(Number.isFinite(told) ? told : 1, 5) * 1_000;
}

export async function placeOrder(parts: {
  caller: Caller;
  account: Account;
  productId: string;
  payment: PaymentChoice;
  random: () => number;
  signal: AbortSignal;
}): Promise<Placed> {
  const { caller, account, productId, payment, random, signal } = parts;
  const key = randomUUID();
  const body = { lines: [{ productId, quantity: 1 }], payment };
  for (let tries = 1; ; tries += 1) {
    const authorization = account.authorization();
    const answer =
      authorization === null
        ? null
        : await caller.call({
            method: 'POST',
            path: '/api/orders',
            headers: { authorization, 'idempotency-key': key },
            body,
          });
    const orderId = answer === null ? null : orderIn(answer);
    if (orderId !== null) return { outcome: 'accepted', orderId };
    if (answer?.status === 401) account.refused();
    const restMs = againAfter(answer, tries, random);
    if (restMs === null || signal.aborted) {
      return { outcome: answer !== null && answer.status >= 400 && answer.status < 500 ? 'refused' : 'failed' };
    }
    await rest(restMs);
  }
}

const rest = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** The id of an accepted order; null for anything else, also for a 202 that cannot be read. */
function orderIn({ status, text }: Answer): string | null {
  if (status !== 202) return null;
  try {
    const value: unknown = JSON.parse(text);
    return acceptedCheck.Check(value) ? value.orderId : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}
