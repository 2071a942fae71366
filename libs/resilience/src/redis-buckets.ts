/**
 * Buckets in Redis, shared by replicas, at a fraction of a round trip a token.
 *
 * - Callers who come while a trip for their key is under way wait for the next one, which asks for all of them at once.
 * - A key in steady use takes some tokens ahead and spends them here within 50 ms. Those not spent by then are lost:
 *   replicas together can be stricter than the limit, never looser.
 * - A refusal is remembered until the next token is due; a caller who does not wait costs Redis nothing.
 * - While Redis does not answer, each key goes on here from where it was last known to be, and what is spent is told to
 *   Redis when it is back. A trip that timed out is made once more, because it may be this process that was held up; it may
 *   take its tokens twice then, which is only stricter. After that Redis is left alone until it answers a ping: nobody
 *   waits for it again.
 */
import { defect } from '@ballast/faults';
import { LRUCache } from 'lru-cache';
import { spendingOf, type Buckets, type Spending } from './buckets.ts';
import { intervalOf, take, type Limit } from './gcra.ts';
import { askTwice, connectRedis } from './redis.ts';
import { withTakeScript } from './take-script.ts';

/** How long tokens taken ahead may be spent, in ms. */
const spendWithinMs = 50;
/** Over how long the use of a key is measured, in ms. */
const windowMs = 100;
const maxAhead = 1_000;
/** Callers waiting for one trip; those beyond are refused. */
const maxWaiting = 2_000;
/** Pause between looks whether Redis is back, in ms. */
const lookAgainMs = 250;

/** What this process knows of one bucket. Times are of `performance.now()`. */
interface Entry {
  /** Tokens taken ahead, and until when they may be spent. */
  tokens: number;
  tokensUntil: number;
  /** When the bucket is full, as far as is known here. */
  fullAt: number;
  /** Until when nothing can be there. */
  emptyUntil: number;
  /** Whether tokens were spent here that Redis has not been told of, and the absence in which it last answered. */
  owes: boolean;
  heardIn: number;
  waiting: ((spending: Spending) => void)[];
  onTrip: boolean;
  /** Use of the key: since when it is counted, how much since then, and per ms in the window before. */
  countedSince: number;
  counted: number;
  perMs: number;
}

export interface RedisBucketsOptions {
  url: string;
  /** Before every key in Redis. */
  prefix?: string;
  /** Most keys to remember in this process. */
  maximum?: number;
  /** Redis cannot be asked (any more); called once each time. */
  onAway?: (error: Error) => void;
  /** It answers: for the first time, or again. */
  onBack?: () => void;
}

/** Buckets in the Redis at `url`; local ones while it cannot be asked. Connects by itself, for as long as it takes. */
export function redisBuckets(options: RedisBucketsOptions): Buckets {
  const { prefix = 'ballast:bucket:', onAway = () => {}, onBack = () => {} } = options;
  const entries = new LRUCache<string, Entry>({ max: options.maximum ?? 50_000 });
  let closed = false;
  // Away until the connection is there for the first time; that is nothing to tell anybody.
  let away = true;
  let told = false;
  /** How often Redis was away: whatever was heard from it before may be lost with its memory. */
  let absences = 0;
  let lookAgain: NodeJS.Timeout | undefined;

  const redis = withTakeScript(connectRedis(options.url));
  const back = (): void => {
    if (!away || closed) return;
    away = false;
    clearTimeout(lookAgain);
    told = false;
    onBack();
  };
  const look = (): void => {
    lookAgain = setTimeout(() => {
      redis.ping().then(back, look);
    }, lookAgainMs).unref();
  };
  const leave = (error: Error): void => {
    if (closed) return;
    if (!told) onAway(error);
    told = true;
    if (away) return;
    away = true;
    absences += 1;
    look();
  };
  redis.on('ready', back);
  redis.on('error', leave);
  redis.on('close', () => leave(new Error('the connection to Redis has ended')));

  const entryOf = (key: string, now: number): Entry => {
    const known = entries.get(key);
    if (known !== undefined) return known;
    const entry: Entry = {
      tokens: 0,
      tokensUntil: 0,
      fullAt: 0,
      emptyUntil: 0,
      owes: false,
      heardIn: absences,
      waiting: [],
      onTrip: false,
      countedSince: now,
      counted: 0,
      perMs: 0,
    };
    entries.set(key, entry);
    return entry;
  };

  const isAway = (): boolean => away;
  const bucketOf = (key: string, limit: Limit): [string, number, number] => [
    prefix + key,
    Math.ceil(intervalOf(limit) * 1_000),
    limit.burst,
  ];

  const spendHere = (entry: Entry, limit: Limit, now: number): Spending => {
    const { granted, level, waitMs } = take(limit, Math.max(0, entry.fullAt - now), 1);
    if (granted === 1) {
      entry.fullAt = now + level;
      entry.owes = true;
    }
    return spendingOf(limit, granted === 1, level, waitMs, 'local');
  };

  const trip = async (key: string, entry: Entry, limit: Limit): Promise<void> => {
    entry.onTrip = true;
    while (entry.waiting.length > 0) {
      const asking = entry.waiting;
      entry.waiting = [];
      const askedAt = performance.now();
      const ahead = Math.min(maxAhead, Math.floor(limit.burst / 10), Math.floor((entry.perMs * spendWithinMs) / 2));
      const owed = entry.owes || entry.heardIn !== absences ? Math.max(0, entry.fullAt - askedAt) : 0;
      const absence = absences;
      try {
        const [given, levelMicros, waitMicros] = await askTwice(
          () => redis.ballastTake(...bucketOf(key, limit), asking.length, ahead, Math.round(owed * 1_000)),
          isAway,
        );
        const now = performance.now();
        entry.owes = false;
        entry.heardIn = absence;
        entry.fullAt = now + levelMicros / 1_000;
        if (waitMicros > 0) entry.emptyUntil = now + waitMicros / 1_000;
        entry.tokens = Math.max(0, given - asking.length);
        entry.tokensUntil = now + spendWithinMs;
        const answer = (accepted: boolean): Spending =>
          spendingOf(limit, accepted, levelMicros / 1_000, waitMicros / 1_000, 'redis');
        for (const [place, resolve] of asking.entries()) resolve(answer(place < given));
        // Those who came meanwhile are served from what is left, and need another trip only beyond that.
        while (entry.tokens > 0 && entry.waiting.length > 0) {
          entry.tokens -= 1;
          entry.waiting.shift()!(answer(true));
        }
        if (waitMicros > 0) for (const resolve of entry.waiting.splice(0)) resolve(answer(false));
      } catch (error) {
        leave(error instanceof Error ? error : new Error(String(error)));
        const now = performance.now();
        for (const resolve of [...asking, ...entry.waiting.splice(0)]) resolve(spendHere(entry, limit, now));
      }
    }
    entry.onTrip = false;
  };

  return {
    spend: (key, limit) => {
      const now = performance.now();
      const entry = entryOf(key, now);
      count(entry, now);
      if (entry.tokens > 0 && now < entry.tokensUntil) {
        entry.tokens -= 1;
        return spendingOf(limit, true, Math.max(0, entry.fullAt - now), 0, 'redis');
      }
      if (away || defect('resilience.bucket-per-replica')) return spendHere(entry, limit, now);
      if (now < entry.emptyUntil || entry.waiting.length >= maxWaiting) {
        const waitMs = Math.max(intervalOf(limit), entry.emptyUntil - now);
        return spendingOf(limit, false, Math.max(0, entry.fullAt - now), waitMs, 'redis');
      }
      return new Promise((resolve) => {
        entry.waiting.push(resolve);
        if (!entry.onTrip) void trip(key, entry, limit);
      });
    },

    spendInHand: (key) => {
      const entry = entries.get(key);
      if (entry === undefined || entry.tokens === 0) return false;
      const now = performance.now();
      if (now >= entry.tokensUntil) return false;
      count(entry, now);
      entry.tokens -= 1;
      return true;
    },

    look: async (key, limit) => {
      const now = performance.now();
      const entry = entryOf(key, now);
      if (!away) {
        try {
          const [, level] = await askTwice(() => redis.ballastTake(...bucketOf(key, limit), 0, 0, 0), isAway);
          return standing(limit, level / 1_000, 'redis');
        } catch (error) {
          leave(error instanceof Error ? error : new Error(String(error)));
        }
      }
      return standing(limit, Math.max(0, entry.fullAt - performance.now()), 'local');
    },

    close: async () => {
      closed = true;
      clearTimeout(lookAgain);
      redis.disconnect();
    },
  };
}

/** How a bucket of this level stands. */
function standing(limit: Limit, level: number, store: Spending['store']): Spending {
  const { granted, waitMs } = take(limit, level, 1);
  return spendingOf(limit, granted === 1, level, waitMs, store);
}

function count(entry: Entry, now: number): void {
  const elapsed = now - entry.countedSince;
  if (elapsed >= windowMs) {
    entry.perMs = entry.counted / elapsed;
    entry.countedSince = now;
    entry.counted = 0;
  }
  entry.counted += 1;
}
