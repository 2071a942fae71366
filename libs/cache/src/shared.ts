/**
 * The second tier: copies in Redis, and the announcements of changes.
 *
 * Nobody waits for a Redis that is away: after one failure it is left alone until it answers a question asked beside the
 * readers. Announcements wait for it as long as they can matter; what waits goes out together.
 */
import { defect } from '@ballast/faults';
import { writeMessage, type Change } from './messages.ts';
import { connect } from './scripts.ts';

/** How long an answer may take, in ms. */
const commandTimeoutMs = 100;
/**
 * Pause before the first look whether Redis is back, and the longest, in ms; it doubles in between. A command may have
 * taken too long only because this process was held up: then announcements should not wait.
 */
const firstLookMs = 20;
const lastLookMs = 250;
/** A shorter absence is nobody's business, in ms. */
const tellAfterMs = 1_000;
/** And of a process that starts, so much more. */
const startingMs = 4_000;
/** Most rows in one announcement, and most that wait for one; beyond that the lifetime of copies has to do. */
const maximumTold = 500;
const maximumWaiting = 10_000;

/** A copy as Redis has it. `text` is null where only the revision is known; `freshUntil` is of `performance.now()`. */
export interface SharedCopy {
  revision: number;
  text: string | null;
  freshUntil: number;
}

export interface Shared {
  /** Whether Redis can be asked now. */
  readonly there: boolean;
  /** Null when there is nothing, or Redis cannot be asked. */
  read(key: string): Promise<SharedCopy | null>;
  /** Hands a copy on, in its own time. Redis refuses it when it knows a later revision. */
  store(key: string, revision: number, text: string, freshUntil: number): void;
  /** Ends older copies in Redis and tells the other replicas, in its own time. */
  announce(changes: readonly Change[]): void;
  /** Drops a copy; a later revision stays known. */
  drop(key: string): Promise<void>;
  close(): void;
}

/** A change that the others have not been told of since then. */
interface Untold extends Change {
  since: number;
}

export interface SharedOptions {
  url: string;
  /** Before every key; the channel's name as well. */
  prefix: string;
  self: string;
  lifetimeMs: number;
  /** Redis cannot be asked, for a second now; called once each time. */
  onAway: (error: Error) => void;
  /** It answers again, after an `onAway`. */
  onBack: () => void;
}

/** Connects by itself, for as long as it takes. */
export function createShared(options: SharedOptions): Shared {
  const { prefix, lifetimeMs } = options;
  const redis = connect(options.url, commandTimeoutMs);
  let closed = false;
  // Away until it first answers; that is nothing to tell anybody.
  let there = false;
  // A process that starts has much else to do: an answer that is late for that is no absence.
  let awaySince = performance.now() + startingMs;
  let told = false;
  let looking = false;
  let lookMs = firstLookMs;
  let lookAgain: NodeJS.Timeout | undefined;
  /** At local time t the clock of Redis shows at least `t + clockAhead`. Null while it is not known. */
  let clockAhead: number | null = null;
  const waiting = new Map<string, Untold>();
  let telling = false;

  const look = async (): Promise<void> => {
    if (closed || there || looking) return;
    looking = true;
    try {
      const [seconds, micros] = await redis.time();
      looking = false;
      back(Number(seconds) * 1_000 + Math.floor(Number(micros) / 1_000));
    } catch (error) {
      looking = false;
      leave(error);
      lookLater();
    }
  };
  const lookLater = (): void => {
    clearTimeout(lookAgain);
    if (closed) return;
    lookAgain = setTimeout(() => void look(), lookMs).unref();
    lookMs = Math.min(lookMs * 2, lastLookMs);
  };
  const back = (clock: number): void => {
    if (closed) return;
    clockAhead = clock - performance.now();
    if (there) return;
    there = true;
    lookMs = firstLookMs;
    if (told) options.onBack();
    told = false;
    void tell();
  };
  const leave = (error: unknown): void => {
    if (closed) return;
    if (there) awaySince = performance.now();
    if (!told && performance.now() - awaySince >= tellAfterMs) {
      told = true;
      options.onAway(error instanceof Error ? error : new Error(String(error)));
    }
    if (!there) return;
    there = false;
    clockAhead = null;
    lookLater();
  };
  redis.on('ready', () => void look());
  redis.on('error', leave);
  redis.on('close', () => leave(new Error('the connection to Redis has ended')));

  /** What waits, oldest first; what has waited longer than any copy lives is of no use to anybody. */
  const take = (): Untold[] => {
    const oldest = performance.now() - lifetimeMs;
    const changes: Untold[] = [];
    for (const [key, change] of waiting) {
      if (changes.length === maximumTold) break;
      waiting.delete(key);
      if (change.since > oldest) changes.push(change);
    }
    return changes;
  };
  const wait = (changes: readonly Untold[]): void => {
    for (const change of changes) {
      const known = waiting.get(change.key);
      if (known === undefined && waiting.size >= maximumWaiting) return;
      if (known === undefined || known.revision < change.revision) waiting.set(change.key, change);
    }
  };
  /** One announcement at a time: what comes meanwhile is told by the next. */
  const tell = async (): Promise<void> => {
    if (telling) return;
    telling = true;
    while (there && !closed) {
      const changes = take();
      if (changes.length === 0) break;
      try {
        await redis.cacheAnnounce(
          changes.length,
          ...changes.map(({ key }) => prefix + key),
          prefix,
          writeMessage(options.self, changes),
          lifetimeMs,
          ...changes.map(({ revision }) => revision),
        );
      } catch (error) {
        wait(changes);
        leave(error);
      }
    }
    telling = false;
  };

  return {
    get there() {
      return there;
    },
    read: async (key) => {
      if (!there) return null;
      const askedAt = performance.now();
      try {
        const answer = await redis.cacheRead(prefix + key);
        back(answer[0]);
        // Ours all have an end: what has none, or is past it, is not looked at.
        return answer.length === 1 || answer[1] <= 0 ? null : toCopy(answer[2], askedAt + answer[1]);
      } catch (error) {
        leave(error);
        return null;
      }
    },
    store: (key, revision, text, freshUntil) => {
      if (!there || clockAhead === null) return;
      const anyOrder = defect('cache.accept-older') ? '1' : '0';
      // By the clock of Redis, since a command may reach it late: a copy must not live longer for that.
      const endsAt = Math.floor(freshUntil + clockAhead);
      redis.cacheStore(prefix + key, revision, text, endsAt, anyOrder).catch(leave);
    },
    announce: (changes) => {
      const since = performance.now();
      wait(changes.map((change) => ({ ...change, since })));
      void tell();
    },
    drop: async (key) => {
      if (!there) return;
      await redis.cacheDrop(prefix + key).catch(leave);
    },
    close: () => {
      closed = true;
      there = false;
      clearTimeout(lookAgain);
      redis.disconnect();
    },
  };
}

/** Null for what nobody of us has written. */
function toCopy(copy: string, freshUntil: number): SharedCopy | null {
  const end = copy.indexOf(':');
  const revision = Number(copy.slice(0, end));
  if (end < 1 || !Number.isSafeInteger(revision)) return null;
  return { revision, text: end + 1 === copy.length ? null : copy.slice(end + 1), freshUntil };
}
