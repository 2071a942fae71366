/** What the outbox needs of its table, and that table in PostgreSQL. A simulation has one in memory. */
import type { Message } from '@ballast/messaging';
import type { Database, Transaction } from '@ballast/postgres';
import * as sql from './sql.ts';
import type { StoredRow } from './sql.ts';

/** A message that is stored and not told yet. */
export interface OutboxRow {
  /** Order of telling, within an aggregate: a whole number, as text. */
  id: string;
  aggregateId: string;
  message: Message;
}

/** The part of a transaction that the outbox uses itself. */
export interface CommitHook {
  /** Runs `work` once the commit is durable; not at all after a rollback. */
  afterCommit(work: () => void): void;
}

/**
 * The table. Each call is atomic, and is one statement in PostgreSQL. `OwnTransaction` is what `append` takes part in.
 * A lease is told by the store's own clock, which is the same for all relays.
 */
export interface OutboxStore<OwnTransaction extends CommitHook = Transaction> {
  /** Stores messages, in this order, in the caller's transaction; says which of them are leased to the caller. */
  append(transaction: OwnTransaction, messages: readonly Message[]): Promise<StoredRow[]>;
  /** Told rows go; those that waited behind them are leased and come back. */
  settle(ids: readonly string[]): Promise<OutboxRow[]>;
  /** Ends the leases of rows that could not be told now. */
  giveBack(ids: readonly string[]): Promise<void>;
  /** Leases rows that nobody is busy with and that no older row of their aggregate holds back. */
  takeAbandoned(limit: number): Promise<OutboxRow[]>;
  /** Forgets messages in the inbox that are old enough; resolves to how many. */
  forgetOldMessages(limit: number): Promise<number>;
  /** The oldest rows. */
  oldest(limit: number): Promise<{ id: string; aggregateId: string; type: string; createdAt: Date }[]>;
  /** Rows waiting, and the age of the oldest in seconds. */
  backlog(): Promise<{ rows: number; oldest: number }>;
}

interface FoundRow {
  id: string;
  aggregate_id: string;
  message: Message;
}

const toRow = (row: FoundRow): OutboxRow => ({ id: row.id, aggregateId: row.aggregate_id, message: row.message });

/** The table of `outboxMigrations`. */
export function postgresOutbox(database: Database): OutboxStore {
  return {
    append: (transaction, messages) => transaction.query<StoredRow>(sql.append, sql.outboxParameters(messages)),
    settle: async (ids) => {
      const found =
        ids.length === 1
          ? await database.query<FoundRow>(sql.settleOne, [ids[0]])
          : await database.query<FoundRow>(sql.settle, [ids]);
      return found.map(toRow);
    },
    giveBack: async (ids) => void (await database.query(sql.giveBack, [ids])),
    takeAbandoned: async (limit) => (await database.query<FoundRow>(sql.takeAbandoned, [limit])).map(toRow),
    forgetOldMessages: async (limit) =>
      (await database.query<{ gone: number }>(sql.forgetOldMessages, [limit]))[0]!.gone,
    oldest: async (limit) =>
      (
        await database.query<{ id: string; aggregate_id: string; type: string; created_at: Date }>(sql.oldest, [limit])
      ).map((row) => ({ id: row.id, aggregateId: row.aggregate_id, type: row.type, createdAt: row.created_at })),
    backlog: async () => (await database.query<{ rows: number; oldest: number }>(sql.backlog))[0]!,
  };
}
