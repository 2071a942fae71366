/** Token buckets by key: what spending one token answers, and the store that lives in this process alone. */
import { LRUCache } from 'lru-cache';
import { remainingAt, take, type Limit } from './gcra.ts';

/** The answer to one caller who wanted one token. */
export interface Spending {
  accepted: boolean;
  /** Whole tokens left. */
  remaining: number;
  /** Milliseconds until a token is there; 0 when accepted. Whoever is alone on the bucket gets it after waiting so long. */
  waitMs: number;
  /** Milliseconds until the bucket is full. */
  resetMs: number;
  /** Which store decided. */
  store: 'redis' | 'local';
}

/** A store of buckets. A key always comes with the same limit. */
export interface Buckets {
  /** Takes one token. Answers at once where no other process need be asked; never rejects. */
  spend(key: string, limit: Limit): Spending | Promise<Spending>;
  /** Takes one token that is in hand already; false where there is none, which says nothing about the bucket. */
  spendInHand(key: string): boolean;
  /** How the bucket stands; takes nothing. `accepted` says whether a token is there. Never rejects. */
  look(key: string, limit: Limit): Promise<Spending>;
  close(): Promise<void>;
}

/** Buckets of this process. The least used of more than `maximum` keys are forgotten, and with that full again. */
export function localBuckets(options: { maximum?: number } = {}): Buckets {
  const fullAt = new LRUCache<string, { at: number }>({ max: options.maximum ?? 50_000 });
  const levelOf = (key: string, now: number): number => Math.max(0, (fullAt.get(key)?.at ?? 0) - now);
  return {
    spend: (key, limit) => {
      const now = performance.now();
      const taken = take(limit, levelOf(key, now), 1);
      if (taken.granted === 1) {
        const known = fullAt.get(key);
        if (known === undefined) fullAt.set(key, { at: now + taken.level });
        else known.at = now + taken.level;
      }
      return spendingOf(limit, taken.granted === 1, taken.level, taken.waitMs, 'local');
    },
    spendInHand: () => false,
    look: async (key, limit) => {
      const { granted, waitMs, level } = take(limit, levelOf(key, performance.now()), 1);
      const before = granted === 1 ? level - 1_000 / limit.perSecond : level;
      return spendingOf(limit, granted === 1, Math.max(0, before), waitMs, 'local');
    },
    close: async () => undefined,
  };
}

/** Puts an answer together. `level` and `waitMs` in ms. */
export function spendingOf(
  limit: Limit,
  accepted: boolean,
  level: number,
  waitMs: number,
  store: Spending['store'],
): Spending {
  return { accepted, remaining: remainingAt(limit, level), waitMs: accepted ? 0 : waitMs, resetMs: level, store };
}
