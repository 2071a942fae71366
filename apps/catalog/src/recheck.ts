/**
 * Products that were written by a transaction of which nobody knows whether it has committed: its connection broke before
 * the answer. Whoever would announce the change does not know of it, and copies elsewhere would be served until they end.
 * So the rows are looked at again as soon as the database answers, and what they have is announced.
 */
import type { MovedProduct } from './store/reservations.ts';

export interface Recheck {
  /** Looks at these products in the background. */
  add(productIds: readonly string[]): void;
  /** Resolves once the look in hand is done; there is none after it. */
  stop(): Promise<void>;
}

/** Pauses before each try, in ms. Together longer than a copy is served (5 s), after which there is nothing to heal. */
const pausesMs = [0, 50, 100, 200, 400, 800, 1_000, 1_000, 1_000, 1_000, 1_000] as const;
/** Products that wait. A shop has fewer; what comes on top is left to the copies' end. */
const maximumWaiting = 10_000;

/** `read` rejects while the database cannot be asked; `onKnown` is told what the rows have, also where it is nothing new. */
export function createRecheck(options: {
  read: (productIds: readonly string[]) => Promise<MovedProduct[]>;
  onKnown: (products: readonly MovedProduct[]) => void;
  onError: (error: unknown) => void;
}): Recheck {
  const { read, onKnown, onError } = options;
  /** Products to look at, and how often that has failed. */
  const waiting = new Map<string, number>();
  let looking: Promise<void> | undefined;
  const stopping = new AbortController();

  const look = async (): Promise<void> => {
    while (waiting.size > 0) {
      const tries = Math.min(...waiting.values());
      await pause(pausesMs[tries]!, stopping.signal);
      if (stopping.signal.aborted) break;
      const asked = new Map(waiting);
      waiting.clear();
      try {
        onKnown(await read([...asked.keys()]));
      } catch (error) {
        onError(error);
        for (const [productId, before] of asked) {
          // Added again while it was looked for: that counts from the beginning.
          if (before + 1 < pausesMs.length && !waiting.has(productId)) waiting.set(productId, before + 1);
        }
      }
    }
    // In the same turn as the last look at what waits: whoever adds something later begins anew.
    looking = undefined;
  };

  return {
    add: (productIds) => {
      for (const productId of productIds) {
        if (waiting.has(productId) || waiting.size < maximumWaiting) waiting.set(productId, 0);
      }
      if (waiting.size === 0 || stopping.signal.aborted) return;
      looking ??= look();
    },
    stop: async () => {
      stopping.abort();
      await looking;
    },
  };
}

/** Ends early when `signal` says so. */
const pause = (milliseconds: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, signal.aborted ? 0 : milliseconds);
    signal.addEventListener('abort', end);
  });
