/**
 * Storing messages and telling them. Right after the commit the rows are handed over in memory and published at once;
 * a sweep looks after what a crash, a lost broker or a full queue left behind.
 */
import { defect, failPoint } from '@ballast/faults';
import type { Message } from '@ballast/messaging';
import {
  createBatcher,
  isRetryable,
  realClock,
  type Clock,
  type Database,
  type Timer,
  type Transaction,
} from '@ballast/postgres';
import type { StoredRow } from './sql.ts';
import { postgresOutbox, type CommitHook, type OutboxRow, type OutboxStore } from './store.ts';

export interface OutboxOptions {
  /** Resolves once the broker has confirmed the message; see `Messaging.publish`. */
  publish: (message: Message) => Promise<void>;
  /** Told of rows that could not be told now (they stay and are tried again) and of failed sweeps. */
  onError?: (error: unknown) => void;
  /** Pause between sweeps, in ms. */
  sweepEveryMs?: number;
  /** Sweeps between two looks for messages in the inbox that are old enough to be forgotten. */
  forgetEverySweeps?: number;
  clock?: Clock;
}

export interface Outbox<OwnTransaction extends CommitHook = Transaction> {
  /** Stores messages in the caller's transaction; they are told once it has committed. */
  append(transaction: OwnTransaction, messages: readonly Message[]): Promise<void>;
  /** For callers that used `outboxInsert` in a statement of their own: call it once that is committed. */
  handOver(messages: readonly Message[], stored: readonly StoredRow[]): void;
  /** Begins sweeping. */
  start(): void;
  /** Stops sweeping and waits for what is being told. Rows that could not be told stay in the table. */
  stop(): Promise<void>;
  /** This relay tells nothing more for `milliseconds`, or until `resume`; pausing again moves the end. */
  pause(milliseconds: number): void;
  /** Goes on at once with what has gathered. */
  resume(): void;
  /** Until when it is paused (null: it is not), and messages told by this relay so far. */
  state(): { pausedUntil: Date | null; told: number };
  /** The oldest rows, at most `limit`. */
  waiting(limit: number): Promise<{ id: string; aggregateId: string; type: string; createdAt: Date }[]>;
  /** Rows waiting, and the age of the oldest in seconds. */
  backlog(): Promise<{ rows: number; oldest: number }>;
}

/** Rows of one aggregate in the order they are told; the first is being told now. */
interface Chain {
  rows: OutboxRow[];
  done: Promise<void>;
}

/** Aggregates being told at a time; what comes on top stays in the table for the sweep. */
const maximumInHand = 5_000;
const sweepSize = 500;
/** Inbox rows forgotten by one statement: what has gathered in a busy hour would outlast the statement's time. */
const forgetSize = 5_000;

/** An outbox in the database's own table, or on any other store. */
export function createOutbox(options: OutboxOptions & { database: Database }): Outbox;
export function createOutbox<OwnTransaction extends CommitHook>(
  options: OutboxOptions & { store: OutboxStore<OwnTransaction> },
): Outbox<OwnTransaction>;
export function createOutbox(options: OutboxOptions & ({ database: Database } | { store: OutboxStore })): Outbox {
  const { publish, onError = () => {}, sweepEveryMs = 500, forgetEverySweeps = 120, clock = realClock } = options;
  const store = 'store' in options ? options.store : postgresOutbox(options.database);
  const chains = new Map<string, Chain>();
  let timer: Timer | undefined;
  let sweeping: Promise<void> = Promise.resolve();
  let stopped = false;
  /** Rows told so far: while it stands still, a sweep that asks for more only gets the same again. */
  let told = 0;
  let paused: { until: Date; timer: Timer } | undefined;

  /** Deletes told rows; resolves, per row, to what waited behind it. */
  const settleRows = async (rows: readonly OutboxRow[]): Promise<OutboxRow[][]> => {
    const found = await store.settle(rows.map((row) => row.id));
    const followers = Map.groupBy(found.toSorted(byId), (row) => row.aggregateId);
    return rows.map((row) => {
      const behind = followers.get(row.aggregateId) ?? [];
      followers.delete(row.aggregateId);
      return behind;
    });
  };
  const settle = createBatcher<OutboxRow, OutboxRow[]>({
    key: (row) => row.id.padStart(20, '0'),
    one: async (row) => (await settleRows([row]))[0]!,
    many: settleRows,
    clock,
  });

  const giveBackRows = async (ids: readonly string[]): Promise<void[]> => {
    await store.giveBack(ids);
    return ids.map(() => undefined);
  };
  const giveBackId = createBatcher<string, void>({
    key: (id) => id.padStart(20, '0'),
    one: async (id) => void (await giveBackRows([id])),
    many: giveBackRows,
    clock,
  });
  const giveBack = (row: OutboxRow): Promise<void> => giveBackId(row.id);

  /** Queues rows for telling, one chain per aggregate. */
  const tell = (rows: readonly OutboxRow[]): void => {
    if (paused !== undefined) {
      // Not held here: another replica's relay, or this one later, finds them in the table.
      void Promise.all(rows.map(giveBack)).catch(onError);
      return;
    }
    for (const [aggregateId, group] of Map.groupBy(rows, (row) => row.aggregateId)) {
      const chain = chains.get(aggregateId);
      if (chain !== undefined) {
        // The lease of a row can run out while its publish is still pending: it is not queued twice.
        chain.rows.push(...group.filter((row) => !chain.rows.some((known) => known.id === row.id)));
      } else if (chains.size < maximumInHand && !stopped) {
        const fresh: Chain = { rows: group, done: Promise.resolve() };
        chains.set(aggregateId, fresh);
        fresh.done = tellChain(aggregateId, fresh).catch(async (error: unknown) => {
          chains.delete(aggregateId);
          onError(error);
          // What could not be told stays in the table; given back now, it is the next sweep's, not that of the one
          // after its lease is over. If that fails too, the lease runs out.
          await Promise.all(fresh.rows.map(giveBack)).catch(onError);
        });
      }
    }
  };

  /** Tells an aggregate's rows one after the other: a message goes only after its elder is confirmed. */
  const tellChain = async (aggregateId: string, chain: Chain): Promise<void> => {
    for (let row = chain.rows[0]; row !== undefined; row = chain.rows[0]) {
      if (paused !== undefined) {
        chains.delete(aggregateId);
        await Promise.all(chain.rows.map(giveBack));
        return;
      }
      // The order of these two is the promise: a row goes only after the broker's confirm.
      const lost = defect('outbox.delete-before-confirm') ? await settle(row) : undefined;
      await publish(row.message);
      await failPoint('after-publish', row.message.type);
      const behind = lost ?? (await settle(row));
      told += 1;
      chain.rows.shift();
      chain.rows.push(...behind);
    }
    chains.delete(aggregateId);
  };

  const sweep = async (): Promise<void> => {
    try {
      while (paused === undefined) {
        const before = told;
        const rows = await store.takeAbandoned(sweepSize);
        tell(rows.toSorted(byId));
        if (rows.length < sweepSize || stopped) return;
        // A full page: there is more. Wait for this one first: if none of it could be told, its rows are back in the
        // table and would be the next page again, and again, for as long as the broker is away.
        await Promise.all([...chains.values()].map((chain) => chain.done));
        if (told === before) return;
      }
    } catch (error) {
      if (!stopped || !isRetryable(error)) onError(error);
    }
  };

  let sweeps = 0;
  const schedule = (): void => {
    timer = clock.setTimeout(() => {
      sweeps += 1;
      sweeping = sweeping.then(sweep).then(() => (sweeps % forgetEverySweeps === 0 ? forget() : undefined));
      void sweeping.finally(() => {
        if (!stopped) schedule();
      });
    }, sweepEveryMs);
  };
  const forget = async (): Promise<void> => {
    try {
      for (let gone = forgetSize; gone === forgetSize && !stopped;) gone = await store.forgetOldMessages(forgetSize);
    } catch (error) {
      onError(error);
    }
  };

  const handOver: Outbox['handOver'] = (messages, stored) => {
    const byMessage = new Map(messages.map((message) => [message.id, message]));
    const rows = stored
      .filter((row) => row.leased)
      .map((row) => {
        const message = byMessage.get(row.message_id)!;
        return { id: row.id, aggregateId: message.correlationId, message };
      });
    tell(rows.sort(byId));
    if (rows.length < stored.length) lookSoon();
  };

  /**
   * A row that waits behind an older one is normally handed back when that is settled. If the two statements overlap,
   * neither sees the other's row; a look shortly after does, long before the next sweep.
   */
  let lookingSoon = false;
  const lookSoon = (): void => {
    if (lookingSoon) return;
    lookingSoon = true;
    clock.setTimeout(() => {
      lookingSoon = false;
      if (!stopped) sweeping = sweeping.then(sweep);
    }, 10);
  };

  const resume = (): void => {
    clock.clearTimeout(paused?.timer);
    paused = undefined;
    if (!stopped) sweeping = sweeping.then(sweep);
  };

  return {
    append: async (transaction, messages) => {
      if (messages.length === 0) return;
      const stored = await store.append(transaction, messages);
      transaction.afterCommit(() => handOver(messages, stored));
    },
    handOver,
    start: () => {
      if (timer === undefined) schedule();
    },
    stop: async () => {
      stopped = true;
      clock.clearTimeout(timer);
      await sweeping;
      await Promise.all([...chains.values()].map((chain) => chain.done));
    },
    pause: (milliseconds) => {
      clock.clearTimeout(paused?.timer);
      const timer = clock.setTimeout(resume, milliseconds);
      timer.unref();
      paused = { until: new Date(clock.now() + milliseconds), timer };
    },
    resume,
    state: () => ({ pausedUntil: paused?.until ?? null, told }),
    waiting: (limit) => store.oldest(limit),
    backlog: () => store.backlog(),
  };
}

const byId = (a: OutboxRow, b: OutboxRow): number => (BigInt(a.id) < BigInt(b.id) ? -1 : 1);
