/** Whether what clients were told exists: accepted orders are looked for, by an operator, through the bff. */
import type { Asker } from '../clients/http.ts';
import type { Session } from '../clients/operator.ts';
import type { AcceptedOrder } from '../load/load.ts';

/** Looked for at most; spread evenly over all of them, the latest included. */
const sample = 200;
const atATime = 4;
const tries = 5;
const timeoutMs = 4_000;

/** Ids of orders that are not there: only a 404 says so. Throws where nobody could say. */
export async function missingOrders(
  orders: readonly AcceptedOrder[],
  parts: { asker: Asker; bffUrl: string; operator: Session },
): Promise<string[]> {
  const step = Math.max(1, Math.ceil(orders.length / sample));
  const waiting = orders.filter((_, place) => (orders.length - 1 - place) % step === 0).map(({ orderId }) => orderId);
  const missing: string[] = [];
  const work = async (): Promise<void> => {
    for (let orderId = waiting.pop(); orderId !== undefined; orderId = waiting.pop()) {
      if (!(await exists(orderId, parts))) missing.push(orderId);
    }
  };
  await Promise.all(Array.from({ length: atATime }, work));
  return missing;
}

async function exists(
  orderId: string,
  { asker, bffUrl, operator }: { asker: Asker; bffUrl: string; operator: Session },
): Promise<boolean> {
  let last: unknown;
  for (let attempt = 1; attempt <= tries; attempt += 1) {
    try {
      const headers = { authorization: operator.authorization() ?? '' };
      const { status } = await asker.ask({ url: `${bffUrl}/api/orders/${orderId}`, headers, timeoutMs });
      if (status === 200) return true;
      if (status === 404) return false;
      last = new Error(`the bff answered ${status}`);
    } catch (error) {
      last = error;
    }
    await new Promise((resolve) => setTimeout(resolve, 250 * attempt));
  }
  throw new Error(`nobody says whether order ${orderId} exists`, { cause: last });
}
