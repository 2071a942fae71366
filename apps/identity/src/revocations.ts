/**
 * News of revocations for services that wait for them. A commit in this process is told at once; those of other replicas
 * are looked for a few times a second, as long as somebody waits.
 */
import type { Revocations } from '@ballast/contracts';
import type { Database } from '@ballast/postgres';
import { ProblemError } from '@ballast/service';
import { newestRevocation, readRevocations } from './store/revocations.ts';

/** How long a question waits for news, in ms: an answer without any says that nothing was revoked until then. */
const waitMs = 1_000;
/** How often the table is looked at while somebody waits, in ms. */
const lookEveryMs = 200;
/** Questions that may wait at a time. */
const maximumWaiting = 1_000;

export interface RevocationFeed {
  /** What was revoked after `after`; with `wait` not before there is something, or a second has passed. */
  read(after: string | undefined, wait: boolean): Promise<Revocations>;
  /** Something was committed here. */
  wake(): void;
  /** Answers everybody who waits; from now on nobody does. */
  stop(): void;
}

export function createRevocationFeed(database: Database): RevocationFeed {
  /** Who waits, and how far they have read. */
  const waiting = new Map<() => void, string>();
  let timer: NodeJS.Timeout | undefined;
  let looking = false;
  let stopped = false;

  const wakeAll = (): void => {
    for (const resume of waiting.keys()) resume();
  };

  /** One question for everybody who waits. */
  const look = async (): Promise<void> => {
    if (looking) return;
    looking = true;
    try {
      const newest = BigInt(await newestRevocation(database));
      for (const [resume, cursor] of waiting) if (newest > BigInt(cursor)) resume();
    } catch {
      // Whoever waits asks for itself now, and its caller is told what went wrong.
      wakeAll();
    } finally {
      looking = false;
    }
  };

  /** Resolves when there may be news. */
  const news = (cursor: string, milliseconds: number): Promise<void> =>
    new Promise((resolve) => {
      const resume = (): void => {
        clearTimeout(patience);
        waiting.delete(resume);
        if (waiting.size === 0) {
          clearInterval(timer);
          timer = undefined;
        }
        resolve();
      };
      const patience = setTimeout(resume, milliseconds);
      waiting.set(resume, cursor);
      timer ??= setInterval(() => void look(), lookEveryMs);
    });

  return {
    read: async (after, wait) => {
      const until = performance.now() + waitMs;
      for (;;) {
        const found = await readRevocations(database, after);
        const left = until - performance.now();
        if (!wait || found.items.length > 0 || left <= 0 || stopped) return found;
        if (waiting.size >= maximumWaiting)
          throw new ProblemError('unavailable', 'Too many are waiting for revocations.', { retryAfterSeconds: 1 });
        await news(found.cursor, left);
      }
    },
    wake: wakeAll,
    stop: () => {
      stopped = true;
      wakeAll();
    },
  };
}
