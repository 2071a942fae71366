/** Follows one order through its live stream, whatever the network does, until it is final. */
import type { Order, OrderTransition } from '@ballast/contracts';
import { getOrder, orderEventsAddress } from '../api/calls.ts';
import { isAbort } from '../api/client.ts';
import { ApiError } from '../api/errors.ts';
import { isFinal } from './order-stream.ts';
import type { OrderAction } from './order-stream.ts';

const firstPause = 1_000;
const longestPause = 15_000;

export type OrderListener = {
  tell(action: OrderAction): void;
  /** The order cannot be read; the reason is an `ApiError`. */
  fail(error: unknown): void;
};

/** Begins to follow; the function it gives back ends it. */
export function followOrder(orderId: string, listener: OrderListener): () => void {
  const abort = new AbortController();
  let source: EventSource | null = null;
  let pause = firstPause;
  let timer: ReturnType<typeof setTimeout> | undefined;

  /** Null where the order cannot be read now, `forbidden` where it never will be. */
  const readOrder = async (): Promise<Order | 'forbidden' | null> => {
    try {
      const order = await getOrder(orderId, abort.signal);
      listener.tell({ type: 'read', order });
      return order;
    } catch (error) {
      if (isAbort(error)) return null;
      listener.fail(error);
      const refused = error instanceof ApiError && [400, 401, 403, 404].includes(error.details.status);
      return refused ? 'forbidden' : null;
    }
  };

  const finish = async (): Promise<void> => {
    source?.close();
    // The steps do not carry the reason: the order itself does.
    await readOrder();
    listener.tell({ type: 'ended' });
  };

  const openAgainLater = (): void => {
    listener.tell({ type: 'replaced' });
    // Jitter keeps all the visitors of a shop that comes back from arriving at the same moment.
    timer = setTimeout(() => void start(), pause * (0.5 + Math.random() / 2));
    pause = Math.min(pause * 2, longestPause);
  };

  const open = (): void => {
    source = new EventSource(orderEventsAddress(orderId));
    source.addEventListener('open', () => {
      pause = firstPause;
      listener.tell({ type: 'opened' });
    });
    source.addEventListener('snapshot', (event) => {
      listener.tell({ type: 'snapshot', order: dataOf(event) as Order });
    });
    source.addEventListener('transition', (event) => {
      listener.tell({ type: 'transition', transition: dataOf(event) as OrderTransition });
    });
    source.addEventListener('end', () => void finish());
    source.addEventListener('error', () => {
      // The browser opens a broken stream again by itself, from where it stopped; a refused one it gives up.
      if (source?.readyState === EventSource.CLOSED) openAgainLater();
      else listener.tell({ type: 'interrupted' });
    });
  };

  const start = async (): Promise<void> => {
    const order = await readOrder();
    if (abort.signal.aborted || order === 'forbidden') return;
    if (order !== null && isFinal(order.state)) listener.tell({ type: 'ended' });
    else open();
  };

  void start();
  return () => {
    abort.abort();
    clearTimeout(timer);
    source?.close();
  };
}

function dataOf(event: Event): unknown {
  return JSON.parse((event as MessageEvent<string>).data);
}
