/**
 * Copies of rows, in this process and in Redis.
 *
 * What holds, whatever fails:
 * - A copy is served for `lifetimeMs` after it began to be read from its source, wherever it lay in between. Its age goes
 *   along with it from tier to tier, so nothing needs to be told for an old copy to end.
 * - Copies carry the revision of their row, and an older one never takes the place of a newer: not in memory, not in
 *   Redis, and not by a load that began before the change.
 * - Who has written, or has been shown a revision, is never served an older one by this process.
 */
import { randomUUID } from 'node:crypto';
import diagnostics from 'node:diagnostics_channel';
import { declareFailPoints, defect, failPoint } from '@ballast/faults';
import { createMemory } from './memory.ts';
import type { Change } from './messages.ts';
import { createShared } from './shared.ts';
import { subscribe } from './subscription.ts';

declareFailPoints({ 'cache.after-load': 'a row is read from its source and its copy is not kept yet' });

/** A row as its source has it. Revisions of one row grow with each of its commits; those of two rows are not compared. */
export interface Loaded<Value> {
  revision: number;
  value: Value;
}

export interface CacheOptions<Value> {
  /** Label in metrics. */
  name: string;
  /** Reads a row from its source; null when there is none, which is not remembered. Must end by itself. */
  load: (key: string) => Promise<Loaded<Value> | null>;
  /** Most rows in this process. */
  maximum?: number;
  /** How long a copy is served, in ms. */
  lifetimeMs?: number;
  /** Without it there is the first tier only, and other replicas' writes are seen after `lifetimeMs`. */
  redis?: {
    url: string;
    /** Before every key in Redis, and the name of the channel. Change it when the form of copies changes. */
    prefix: string;
    encode: (value: Value) => string;
    /** Null for text that is no copy: Redis is open to others. */
    decode: (text: string) => Value | null;
  };
  /** Told of trouble with Redis: once when it stays away, and of copies and messages that cannot be read. */
  onTrouble?: (what: string, error?: unknown) => void;
  /** Told when Redis answers again. */
  onBack?: () => void;
}

/** Counted since the start. */
export interface CacheTotals {
  l1Hits: number;
  l2Hits: number;
  /** Reads from the source. */
  loads: number;
  /** Callers who waited for somebody else's read. */
  coalesced: number;
  /** Rows that changed, here or elsewhere. */
  invalidations: number;
}

/** What the tiers hold of one row. */
export interface CacheSight<Value> {
  l1: { revision: number; value: Value; ageMs: number } | null;
  l2: { revision: number; value: Value } | null;
}

export interface GetOptions {
  /** False for a read of one's own beside whatever is under way, as a cache without protection would do it. */
  singleFlight?: boolean;
  /** Told of each question asked for this read; not of those somebody else's read has asked. */
  onAsked?: (whom: 'redis' | 'source') => void;
}

export interface Cache<Value> {
  /** The copy in this process, at once; undefined when there is none that may be served. */
  peek(key: string): Value | undefined;
  /** From this process, from Redis or from the source; null when there is no such row. Rejects with what `load` throws. */
  get(key: string, options?: GetOptions): Promise<Value | null>;
  /** These rows were committed with these revisions: readers here see nothing older from now on, others very soon. */
  invalidate(changes: readonly Change[]): void;
  /** Somebody was shown this revision past the cache, and is not to see an older one here afterwards. */
  observe(key: string, revision: number): void;
  /** Looks without counting. */
  inspect(key: string): Promise<CacheSight<Value>>;
  /** Drops the copies of a row in both tiers. */
  drop(key: string): Promise<void>;
  /** Whether other replicas' changes arrive now. */
  readonly subscribed: boolean;
  readonly totals: Readonly<CacheTotals>;
  close(): void;
}

/** One read that others may wait for. */
interface Flight<Value> {
  /** What is older than this may be handed to those who have asked already, and is not kept. */
  minimum: number;
  /** False once a change has been heard of: who asks now must not get what was read before. */
  joinable: boolean;
  result: Promise<Value | null>;
}

/** Counted by libs/service; anyone may listen. */
const counts = diagnostics.channel('ballast:count');

/** Makes a cache; it connects to Redis by itself, for as long as it takes. */
export function createCache<Value extends {}>(options: CacheOptions<Value>): Cache<Value> {
  const { name, load, redis, lifetimeMs = 5_000, onTrouble = () => {}, onBack = () => {} } = options;
  const memory = createMemory<Value>(options.maximum ?? 10_000);
  const flights = new Map<string, Flight<Value>[]>();
  const totals: CacheTotals = { l1Hits: 0, l2Hits: 0, loads: 0, coalesced: 0, invalidations: 0 };
  const self = randomUUID();
  const reads = (answeredBy: string): void => {
    if (counts.hasSubscribers) {
      counts.publish({ name: 'cache_reads_total', labels: { cache: name, answered_by: answeredBy } });
    }
  };
  const happened = (event: string): void => {
    counts.publish({ name: 'cache_events_total', labels: { cache: name, event } });
  };

  const raise = (key: string, revision: number, remember: boolean): void => {
    memory.raise(key, revision, remember);
    if (defect('cache.accept-older')) return;
    for (const flight of flights.get(key) ?? []) {
      if (revision <= flight.minimum) continue;
      flight.minimum = revision;
      flight.joinable = false;
    }
  };

  const shared =
    redis === undefined
      ? undefined
      : createShared({
          url: redis.url,
          prefix: redis.prefix,
          self,
          lifetimeMs,
          onAway: (error) => {
            happened('redis-away');
            onTrouble('Redis cannot be asked: reads go to memory and to the source', error);
          },
          onBack,
        });
  const subscription =
    redis === undefined
      ? undefined
      : subscribe({
          url: redis.url,
          channel: redis.prefix,
          self,
          onBegin: () => {
            happened('flush');
            memory.flush();
          },
          onChanges: (changes) => {
            for (const { key, revision } of changes) {
              totals.invalidations += 1;
              happened('invalidation-heard');
              raise(key, revision, false);
            }
          },
          onTrouble: (error) => onTrouble('changes made by other replicas are not heard', error),
        });

  /** Keeps what a read has brought; what came too late leaves its revision, since somebody is shown it. */
  const keep = (key: string, flight: Flight<Value>, epoch: number, loaded: Loaded<Value>, freshUntil: number): void => {
    const inTime = epoch === memory.epoch && performance.now() < freshUntil;
    if (inTime && loaded.revision >= flight.minimum) memory.put(key, loaded.revision, loaded.value, freshUntil);
    else memory.raise(key, loaded.revision, true);
  };

  const fromShared = async (key: string, flight: Flight<Value>): Promise<Value | null> => {
    if (shared === undefined || redis === undefined || !shared.there) return null;
    const { epoch } = memory;
    const copy = await shared.read(key);
    if (copy === null || copy.text === null || copy.revision < flight.minimum) return null;
    const value = redis.decode(copy.text);
    if (value === null) {
      onTrouble('a copy in Redis cannot be read');
      return null;
    }
    keep(key, flight, epoch, { revision: copy.revision, value }, copy.freshUntil);
    totals.l2Hits += 1;
    reads('redis');
    return value;
  };

  const fromSource = async (key: string, flight: Flight<Value>): Promise<Value | null> => {
    const { epoch } = memory;
    const startedAt = performance.now();
    totals.loads += 1;
    reads('source');
    const loaded = await load(key);
    await failPoint('cache.after-load');
    if (loaded === null) return null;
    keep(key, flight, epoch, loaded, startedAt + lifetimeMs);
    if (redis !== undefined) shared?.store(key, loaded.revision, redis.encode(loaded.value), startedAt + lifetimeMs);
    return loaded.value;
  };

  const fly = (key: string, onAsked: NonNullable<GetOptions['onAsked']>): Flight<Value> => {
    const read = async (): Promise<Value | null> => {
      try {
        if (shared?.there === true) onAsked('redis');
        const copy = await fromShared(key, flight);
        if (copy !== null) return copy;
        onAsked('source');
        return await fromSource(key, flight);
      } finally {
        const left = (flights.get(key) ?? []).filter((other) => other !== flight);
        if (left.length === 0) flights.delete(key);
        else flights.set(key, left);
      }
    };
    const flight: Flight<Value> = { minimum: memory.floor(key), joinable: true, result: Promise.resolve(null) };
    flights.set(key, [...(flights.get(key) ?? []), flight]);
    flight.result = read();
    return flight;
  };

  const peek = (key: string): Value | undefined => {
    const copy = memory.peek(key);
    if (copy === undefined) return undefined;
    totals.l1Hits += 1;
    reads('memory');
    return copy.value;
  };

  return {
    peek,
    get: async (key, { singleFlight = true, onAsked = () => {} } = {}) => {
      const copy = peek(key);
      if (copy !== undefined) return copy;
      if (singleFlight && !defect('cache.no-single-flight')) {
        const under = flights.get(key)?.findLast((flight) => flight.joinable);
        if (under !== undefined) {
          totals.coalesced += 1;
          reads('another read');
          return under.result;
        }
      }
      return fly(key, onAsked).result;
    },
    invalidate: (changes) => {
      if (changes.length === 0) return;
      for (const { key, revision } of changes) {
        totals.invalidations += 1;
        happened('invalidation-told');
        raise(key, revision, true);
      }
      shared?.announce(changes);
    },
    observe: (key, revision) => raise(key, revision, true),
    inspect: async (key) => {
      const own = memory.peek(key);
      const copy = (await shared?.read(key)) ?? null;
      const value = copy === null || copy.text === null ? null : (redis?.decode(copy.text) ?? null);
      return {
        l1:
          own === undefined ? null : { ...own, ageMs: Math.max(0, lifetimeMs - (own.freshUntil - performance.now())) },
        l2: copy === null || value === null ? null : { revision: copy.revision, value },
      };
    },
    drop: async (key) => {
      memory.drop(key);
      await shared?.drop(key);
    },
    get subscribed() {
      return subscription?.hears === true;
    },
    totals,
    close: () => {
      shared?.close();
      subscription?.close();
    },
  };
}
