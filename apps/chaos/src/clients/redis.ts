/** Redis' own controls: everything forgotten, and nobody answered. */
import type { Report } from '@ballast/service';
import { Redis } from 'ioredis';

export interface RedisControl {
  flush(): Promise<void>;
  /** Redis answers nobody until `thaw`, or at most `seconds`. */
  freeze(seconds: number): Promise<void>;
  /** Resolves when it answers again. */
  thaw(): Promise<void>;
  close(): void;
}

/** One pause, in ms. What is frozen thaws after two of them at most, also when this process is gone. */
const sliceMs = 200;

/**
 * A paused Redis does not hear CLIENT UNPAUSE either: it comes to an end by itself only. So it is paused for a moment at a
 * time, with the next pause always waiting in front of everybody else's commands: in between nobody gets a word in.
 * https://redis.io/docs/latest/commands/client-pause/
 */
export function createRedisControl(url: string, report: Report): RedisControl {
  let connection: Redis | null = null;
  let freezing: { until: number; ended: Promise<void>; end: () => void } | null = null;

  const connect = (): Redis => {
    if (connection !== null) return connection;
    const redis = new Redis(url, {
      connectTimeout: 3_000,
      commandTimeout: 3_000,
      maxRetriesPerRequest: 1,
      enableOfflineQueue: true,
      retryStrategy: (attempt) => Math.min(100 * attempt, 1_000),
    });
    redis.on('error', (error) => report('redis does not answer the controller', error));
    connection = redis;
    return redis;
  };

  const freeze = async (seconds: number): Promise<void> => {
    const until = performance.now() + seconds * 1_000;
    if (freezing !== null) {
      freezing.until = Math.max(freezing.until, until);
      return;
    }
    const redis = connect();
    const state = { until, ended: Promise.resolve(), end: (): void => void (state.until = 0) };
    const pause = (): Promise<unknown> => redis.call('CLIENT', 'PAUSE', String(sliceMs), 'ALL');
    const keepPaused = async (begun: Promise<unknown>): Promise<void> => {
      for (await begun; performance.now() < state.until;) await pause();
    };
    // Two take turns, and are in line before anybody else knows of the first.
    const [first, second] = [pause(), pause()];
    freezing = state;
    state.ended = Promise.allSettled([keepPaused(first), keepPaused(second)]).then((outcomes) => {
      freezing = null;
      for (const outcome of outcomes) {
        if (outcome.status === 'rejected') report('redis cannot be kept frozen', outcome.reason);
      }
    });
    // Its answer says that it works.
    await first;
  };

  return {
    flush: async () => void (await connect().call('FLUSHALL')),
    freeze,
    thaw: async () => {
      freezing?.end();
      await freezing?.ended;
      await connect().ping();
    },
    close: () => {
      freezing?.end();
      connection?.disconnect();
      connection = null;
    },
  };
}
