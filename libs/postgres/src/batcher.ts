/**
 * Group commit: writes that arrive while another is on its way go to PostgreSQL together, in one statement.
 *
 * Nothing waits for a timer. One waiting item is written alone, with the cheaper single-row statement; what gathers
 * during that round trip becomes the next batch. So a lone caller pays one round trip, and a crowd shares it. It shares a
 * failure, too: where the database cannot be reached, what waits is rejected with what was sent, so that nobody waits for a
 * second time-out after having waited for the first. Callers must be ready to try again, as with any retryable error.
 * Reference: group commit as in DeWitt et al., "Implementation techniques for main memory database systems", 1984.
 */
import { realClock, type Clock } from './clock.ts';
import { isOutOfReach, isRetryable } from './errors.ts';

/** Too many items are waiting; the caller should be told to come back. */
export class Overloaded extends Error {
  readonly retryable = true;
  constructor(waiting: number) {
    super(`${waiting} writes are waiting already`);
    this.name = 'Overloaded';
  }
}

export interface BatcherOptions<Item, Result> {
  /**
   * What an item locks. Keys within a batch are unique and sorted, because two batches that lock the same rows in
   * different order would deadlock; an item whose key is already in the batch waits for the next.
   */
  key: (item: Item) => string;
  /** Writes one item. */
  one: (item: Item) => Promise<Result>;
  /** Writes several in one statement or transaction, all or none; results in the items' order. */
  many: (items: readonly Item[]) => Promise<readonly Result[]>;
  /** Largest batch. */
  maxItems?: number;
  /** Statements in flight at a time; keys in flight in one lane are kept out of the others. */
  lanes?: number;
  /** Items that may wait before callers get `Overloaded`. */
  maxWaiting?: number;
  /** Says when a turn of the event loop is over. */
  clock?: Pick<Clock, 'setImmediate'>;
}

interface Waiting<Item, Result> {
  item: Item;
  key: string;
  resolve: (result: Result) => void;
  reject: (error: unknown) => void;
}

/** Returns a function that writes one item and resolves to its result once it is committed. */
export function createBatcher<Item, Result>(options: BatcherOptions<Item, Result>): (item: Item) => Promise<Result> {
  const { maxItems = 256, lanes = 1, maxWaiting = 20_000, clock = realClock } = options;
  let waiting: Waiting<Item, Result>[] = [];
  const keysInFlight = new Set<string>();
  let busyLanes = 0;

  const take = (): Waiting<Item, Result>[] => {
    const batch: Waiting<Item, Result>[] = [];
    const left: Waiting<Item, Result>[] = [];
    for (const entry of waiting) {
      if (batch.length < maxItems && !keysInFlight.has(entry.key)) {
        keysInFlight.add(entry.key);
        batch.push(entry);
      } else {
        left.push(entry);
      }
    }
    waiting = left;
    return batch.sort((a, b) => (a.key < b.key ? -1 : 1));
  };

  const pump = (): void => {
    while (busyLanes < lanes && waiting.length > 0) {
      const batch = take();
      if (batch.length === 0) return;
      busyLanes += 1;
      void write(batch).finally(() => {
        for (const entry of batch) keysInFlight.delete(entry.key);
        busyLanes -= 1;
        pump();
      });
    }
  };

  const write = async (batch: Waiting<Item, Result>[]): Promise<void> => {
    if (batch.length === 1) return writeOne(batch[0]!);
    try {
      const results = await options.many(batch.map((entry) => entry.item));
      batch.forEach((entry, index) => entry.resolve(results[index]!));
    } catch (error) {
      if (isRetryable(error)) {
        // The database, not an item, is in trouble: writing them one by one would only wait as many times as long.
        for (const entry of batch) entry.reject(error);
        giveUpWaiting(error);
      } else {
        // One bad item must harm only itself.
        for (const entry of batch) await writeOne(entry);
      }
    }
  };

  const writeOne = async (entry: Waiting<Item, Result>): Promise<void> => {
    try {
      entry.resolve(await options.one(entry.item));
    } catch (error) {
      entry.reject(error);
      giveUpWaiting(error);
    }
  };

  const giveUpWaiting = (error: unknown): void => {
    if (!isOutOfReach(error)) return;
    for (const entry of waiting.splice(0)) entry.reject(error);
  };

  let scheduled = false;
  return (item) =>
    new Promise<Result>((resolve, reject) => {
      if (waiting.length >= maxWaiting) {
        reject(new Overloaded(waiting.length));
        return;
      }
      waiting.push({ item, key: options.key(item), resolve, reject });
      if (scheduled) return;
      scheduled = true;
      // What the same turn of the event loop brings (one read of the broker's socket, say) belongs together.
      clock.setImmediate(() => {
        scheduled = false;
        pump();
      });
    });
}
