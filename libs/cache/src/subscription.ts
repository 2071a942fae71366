/**
 * Hearing of changes made by other replicas.
 *
 * A connection that is gone says so, one that is half open does not. So the connection that listens is asked for a sign
 * of life once a second. Redis answers in order: what was published before the sign was asked for has been heard when it
 * is there. Whenever listening begins, anything may have been missed before.
 */
import { defect } from '@ballast/faults';
import { readMessage, type Change } from './messages.ts';
import { connect } from './scripts.ts';

/** How often a sign of life is asked for, and how long it may take, in ms: deafness is noticed within their sum. */
const heartbeatMs = 1_000;
const answerMs = 1_000;

export interface Subscription {
  /** Whether changes arrive now, as far as anybody can know. */
  readonly hears: boolean;
  close(): void;
}

/** Listens to `channel` for as long as the process lives; `self` is the name this process speaks under. */
export function subscribe(options: {
  url: string;
  channel: string;
  self: string;
  /** Called when listening begins, also again. */
  onBegin: () => void;
  onChanges: (changes: readonly Change[]) => void;
  onTrouble: (error: Error) => void;
}): Subscription {
  const redis = connect(options.url, answerMs);
  let hears = false;
  /** Counts connections: an answer that belongs to an earlier one means nothing. */
  let connection = 0;
  let closed = false;

  const lose = (error: unknown): void => {
    hears = false;
    if (closed) return;
    options.onTrouble(error instanceof Error ? error : new Error(String(error)));
    // Not `disconnect`: that waits for the other side to close as well, and the other side may be frozen.
    redis.stream.destroy();
  };
  const begin = async (current: number): Promise<void> => {
    try {
      await redis.subscribe(options.channel);
      if (current !== connection) return;
      hears = true;
      options.onBegin();
    } catch (error) {
      if (current === connection) lose(error);
    }
  };
  const beat = async (current: number): Promise<void> => {
    try {
      await redis.ping();
    } catch (error) {
      if (current === connection) lose(error);
    }
  };

  redis.on('ready', () => void begin(connection));
  redis.on('close', () => {
    connection += 1;
    hears = false;
  });
  redis.on('error', options.onTrouble);
  redis.on('message', (_channel: string, text: string) => {
    const message = readMessage(text);
    if (message === null) options.onTrouble(new Error('a message on the channel of invalidations cannot be read'));
    else if (message.from !== options.self && !defect('cache.deaf')) options.onChanges(message.changes);
  });
  const timer = setInterval(() => {
    if (hears) void beat(connection);
  }, heartbeatMs).unref();

  return {
    get hears() {
      return hears;
    },
    close: () => {
      closed = true;
      hears = false;
      clearInterval(timer);
      redis.disconnect();
    },
  };
}
