/** A table in memory, and replicas that keep copies of its rows, each with its own wire to a real Redis. */
import { randomUUID } from 'node:crypto';
import { partUrl, until } from '@ballast/testing';
import { createCache, type Cache, type CacheOptions } from '../src/index.ts';
import { openLink, type Link } from './link.ts';

/** A row as it is kept. */
export interface Row {
  id: string;
  text: string;
}

export interface Replica {
  cache: Cache<Row>;
  link: Link;
  /** Statements it has sent to the table. */
  loads: () => number;
  /** What it was told of trouble. */
  troubles: string[];
  /** From now on an answer of the table is held back until the returned function is called. */
  holdLoads(): () => void;
  /** The text it serves now; null where there is no row. */
  read(key: string): Promise<string | null>;
}

export interface World {
  /** What replicas put before their keys. */
  prefix: string;
  redisUrl: string;
  /** Commits a change; nobody is told. */
  commit(key: string, text: string): { key: string; revision: number };
  /** Adds a replica; it is subscribed when this resolves, unless its wire is cut. */
  add(options?: Partial<CacheOptions<Row>> & { cut?: boolean }): Promise<Replica>;
  close(): Promise<void>;
}

/** Opens a world; needs TEST_REDIS_URL, see infra/lab/src/with-parts.ts. */
export function openWorld(): World {
  const rows = new Map<string, { revision: number; text: string }>();
  const replicas: Replica[] = [];
  const prefix = `test-${randomUUID()}:`;
  const redisUrl = partUrl('REDIS');
  return {
    prefix,
    redisUrl,
    commit: (key, text) => {
      const revision = (rows.get(key)?.revision ?? 0) + 1;
      rows.set(key, { revision, text });
      return { key, revision };
    },
    add: async ({ cut = false, ...options } = {}) => {
      const link = await openLink(redisUrl);
      if (cut) link.cut();
      let gate: Promise<void> | undefined;
      let loads = 0;
      const troubles: string[] = [];
      const cache = createCache<Row>({
        name: 'rows',
        lifetimeMs: 60_000,
        load: async (key) => {
          loads += 1;
          const row = rows.get(key);
          // The row is read before the wait: the answer is under way while things change.
          await gate;
          return row === undefined ? null : { revision: row.revision, value: { id: key, text: row.text } };
        },
        redis: {
          url: link.url,
          prefix,
          encode: (row) => JSON.stringify(row),
          decode: (text) => (text.startsWith('{"id"') ? (JSON.parse(text) as Row) : null),
        },
        onTrouble: (what) => void troubles.push(what),
        ...options,
      });
      const replica: Replica = {
        cache,
        link,
        loads: () => loads,
        troubles,
        holdLoads: () => {
          const { promise, resolve } = Promise.withResolvers<void>();
          gate = promise;
          return () => {
            gate = undefined;
            resolve();
          };
        },
        read: async (key) => (await cache.get(key))?.text ?? null,
      };
      replicas.push(replica);
      if (!cut) await until('the replica to listen', () => cache.subscribed);
      return replica;
    },
    close: async () => {
      for (const { cache, link } of replicas) {
        cache.close();
        await link.close();
      }
    },
  };
}
