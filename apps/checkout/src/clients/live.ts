/**
 * Who wants to know when an order moves. Replicas tell each other over Redis; that is a hint, fast and allowed to get
 * lost, so every second the database is asked about the orders that are being watched. Without Redis it is a second
 * slower, and nothing else.
 */
import { Redis } from 'ioredis';

const channel = 'ballast:orders:moved';
const pollEveryMs = 1_000;

export interface LiveOrders {
  /** Calls `moved` after each move of the order, and sometimes when there was none; returns how to stop. */
  watch(orderId: string, moved: () => void): () => void;
  /** Tells all replicas that these orders have moved. */
  announce(orderIds: readonly string[]): void;
  close(): void;
}

export function createLiveOrders(options: {
  redisUrl: string;
  versions: (orderIds: readonly string[]) => Promise<Map<string, number>>;
  onError: (message: string, error: unknown) => void;
}): LiveOrders {
  const watchers = new Map<string, Set<() => void>>();
  const known = new Map<string, number>();
  const connect = (): Redis => {
    const redis = new Redis(options.redisUrl, {
      connectTimeout: 3_000,
      commandTimeout: 1_000,
      maxRetriesPerRequest: 1,
      enableOfflineQueue: false,
      retryStrategy: (attempt) => Math.min(100 * attempt, 1_000),
    });
    redis.on('error', (error) => options.onError('redis is not answering; live orders are up to a second late', error));
    return redis;
  };

  const notify = (orderId: string): void => {
    for (const moved of watchers.get(orderId) ?? []) moved();
  };

  const publisher = connect();
  const subscriber = connect();
  subscriber.on('ready', () => {
    subscriber.subscribe(channel).catch((error: unknown) => options.onError('cannot subscribe to order moves', error));
  });
  subscriber.on('message', (_channel: string, text: string) => {
    for (const orderId of text.split(',')) notify(orderId);
  });

  const poll = async (): Promise<void> => {
    if (watchers.size === 0) return;
    try {
      for (const [orderId, version] of await options.versions([...watchers.keys()])) {
        // Nobody watches it any more: what is noted now would never be forgotten.
        if (!watchers.has(orderId)) continue;
        if (known.get(orderId) !== version) notify(orderId);
        known.set(orderId, version);
      }
    } catch (error) {
      options.onError('cannot look after watched orders', error);
    }
  };
  let closed = false;
  let timer: NodeJS.Timeout | undefined;
  const schedule = (): void => {
    timer = setTimeout(() => {
      void poll().then(() => {
        if (!closed) schedule();
      });
    }, pollEveryMs);
  };
  schedule();

  return {
    watch: (orderId, moved) => {
      const group = watchers.get(orderId) ?? new Set();
      watchers.set(orderId, group.add(moved));
      return () => {
        group.delete(moved);
        if (group.size === 0) {
          watchers.delete(orderId);
          known.delete(orderId);
        }
      };
    },
    announce: (orderIds) => {
      if (publisher.status !== 'ready') return;
      publisher
        .publish(channel, orderIds.join(','))
        .catch((error: unknown) => options.onError('cannot announce order moves', error));
    },
    close: () => {
      closed = true;
      clearTimeout(timer);
      publisher.disconnect();
      subscriber.disconnect();
    },
  };
}
