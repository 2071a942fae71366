/** Reservations whose time is over: their pieces go back on hand, and checkout is told. */
import { declareFailPoints, failPoint } from '@ballast/faults';
import type { Outbox } from '@ballast/outbox';
import { isRetryable, type Database } from '@ballast/postgres';
import { outgoingTraceparent } from '@ballast/service';
import { anyExpired, lockExpired, type MovedProduct } from '../store/reservations.ts';
import { applyTasks } from './apply.ts';

declareFailPoints({ 'before-expiry': 'expired reservations are locked and not released yet' });

export interface ExpiryOptions {
  database: Database;
  outbox: Outbox;
  /** Told, after each commit, how many reservations it ended, and the products it moved. */
  onExpired: (count: number, moved: readonly MovedProduct[]) => void;
  /** Told the products of a transaction of which nobody knows whether it has committed. */
  onUnsure: (moved: readonly MovedProduct[]) => void;
  /** Told when a look failed; the next one comes all the same. */
  onError: (error: unknown) => void;
  /** Pause between looks, in ms. */
  everyMs?: number;
}

export interface Expiry {
  start(): void;
  /** Resolves once the look in hand is done; there is none after it. */
  stop(): Promise<void>;
}

/** Reservations released in one transaction. Few, because their products stay locked for as long as it takes. */
const batchSize = 50;

/** Looks for expired reservations again and again, never twice at a time. Replicas share the work. */
export function createExpiry(options: ExpiryOptions): Expiry {
  const { database, outbox, onExpired, onUnsure, onError, everyMs = 1_000 } = options;
  let timer: NodeJS.Timeout | undefined;
  let looking: Promise<void> = Promise.resolve();
  let stopped = false;

  const releaseIn = (onWritten: (moved: readonly MovedProduct[]) => void): Promise<number> =>
    database.transaction(async (transaction) => {
      onWritten([]);
      const expired = await lockExpired(transaction, batchSize);
      if (expired.size === 0) return 0;
      await failPoint('before-expiry');
      const tasks = [...expired.keys()].map((orderId) => ({
        command: { type: 'ReleaseStock', orderId } as const,
        messageId: null,
        traceparent: outgoingTraceparent(),
      }));
      const { moved } = await applyTasks(transaction, outbox, tasks, expired);
      onWritten(moved);
      transaction.afterCommit(() => onExpired(expired.size, moved));
      return expired.size;
    });

  const releaseSome = async (): Promise<number> => {
    let written: readonly MovedProduct[] = [];
    try {
      return await releaseIn((moved) => {
        written = moved;
      });
    } catch (error) {
      if (isRetryable(error)) onUnsure(written);
      throw error;
    }
  };

  const look = async (): Promise<void> => {
    while (await anyExpired(database)) {
      const released = await releaseSome();
      // None although there are some: they are in other hands.
      if (released === 0 || stopped) return;
    }
  };

  const schedule = (): void => {
    timer = setTimeout(() => {
      looking = look().catch(onError);
      void looking.then(() => {
        if (!stopped) schedule();
      });
    }, everyMs);
  };

  return {
    start: () => {
      if (timer === undefined) schedule();
    },
    stop: async () => {
      stopped = true;
      clearTimeout(timer);
      await looking;
    },
  };
}
