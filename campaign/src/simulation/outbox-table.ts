/** The tables of libs/outbox in memory: what its SQL says, on the database of this folder. */
import { defect } from '@ballast/faults';
import type { Message } from '@ballast/messaging';
import type { OutboxRow, OutboxStore, StoredRow } from '@ballast/outbox';
import { Table, type OwnTransaction, type Session, type Statement, type Work } from './database.ts';

/** `interval '3 seconds'` in libs/outbox/src/sql.ts, in ms. */
const leaseMs = 3_000;

interface Row {
  id: number;
  messageId: string;
  aggregateId: string;
  message: Message;
  leasedUntil: number;
  createdAt: number;
}

export class OutboxTables {
  readonly outbox = new Table<Row>();
  readonly inbox = new Table<{ at: number }>();
  /** Messages ever committed, per aggregate in the order of their rows: what has to be told, and in which order. */
  readonly committed = new Map<string, Message[]>();
  #sequence = 0;

  /** Aggregates with rows that wait, as a statement that begins now sees them. */
  waiting(work: Work): string[] {
    return work.all(this.outbox).map((row) => row.aggregateId);
  }

  /** INSERT … SELECT: a row whose aggregate has an older one `waiting` is not leased. */
  insert(work: Work, messages: readonly Message[], waiting: readonly string[]): StoredRow[] {
    if (messages.length === 0) return [];
    const rows = messages.map((message): Row => {
      const overtakes = !waiting.includes(message.correlationId) || defect('simulation.outbox-overtakes');
      return {
        id: (this.#sequence += 1),
        messageId: message.id,
        aggregateId: message.correlationId,
        message,
        leasedUntil: overtakes ? work.at + leaseMs : -Infinity,
        createdAt: work.at,
      };
    });
    for (const row of rows) {
      const key = String(row.id);
      work.take(this.outbox, key);
      work.put(this.outbox, key, row);
    }
    work.onCommit(() => {
      for (const { aggregateId, message } of rows) {
        const known = this.committed.get(aggregateId);
        if (known === undefined) this.committed.set(aggregateId, [message]);
        else known.push(message);
      }
    });
    return rows.map((row) => ({
      id: String(row.id),
      message_id: row.messageId,
      leased: row.leasedUntil > work.at,
    }));
  }

  /** When the next sweep would find something. */
  due(): number {
    let due = Infinity;
    const seen: string[] = [];
    for (const row of this.outbox.rows.values()) {
      // Rows come in the order of ids: the first of an aggregate holds the others back.
      if (seen.includes(row.aggregateId)) continue;
      seen.push(row.aggregateId);
      if (row.leasedUntil < due) due = row.leasedUntil;
    }
    return due;
  }

  /** `rememberMessages`. */
  remember(consumer: string, messageIds: readonly string[]): Statement<Set<string>> {
    return (work) => this.#remember(work, consumer, messageIds);
  }

  store(session: Pick<Session, 'run'>): OutboxStore<OwnTransaction> {
    return {
      append: (transaction, messages) => transaction.run((work) => this.#append(work, messages)),
      settle: (ids) => session.run((work) => this.#settle(work, ids)),
      giveBack: (ids) => session.run((work) => this.#giveBack(work, ids)),
      takeAbandoned: (limit) => session.run((work) => this.#takeAbandoned(work, limit)),
      // Worlds are younger than the seven days.
      forgetOldMessages: async () => 0,
      oldest: async () => [],
      backlog: async () => ({ rows: this.outbox.rows.size, oldest: 0 }),
    };
  }

  *#remember(work: Work, consumer: string, messageIds: readonly string[]): Generator<Work, Set<string>, void> {
    const { inbox } = this;
    const fresh = new Set<string>();
    for (const id of messageIds.toSorted()) {
      const key = `${id} ${consumer}`;
      for (let holder = work.take(inbox, key); holder !== undefined; holder = work.take(inbox, key)) yield holder;
      if (work.get(inbox, key) !== undefined) continue;
      work.put(inbox, key, { at: work.at });
      fresh.add(id);
    }
    return defect('outbox.no-inbox') ? new Set(messageIds) : fresh;
  }

  // oxlint-disable-next-line require-yield -- an insert of new keys waits for nobody
  *#append(work: Work, messages: readonly Message[]): Generator<Work, StoredRow[], void> {
    return this.insert(work, messages, this.waiting(work));
  }

  *#settle(work: Work, ids: readonly string[]): Generator<Work, OutboxRow[], void> {
    const seen = work.all(this.outbox);
    const told: string[] = [];
    for (const id of ids) {
      yield* this.#lock(work, id);
      const row = work.get(this.outbox, id);
      if (row === undefined) continue;
      work.put(this.outbox, id, undefined);
      told.push(row.aggregateId);
    }
    const behind: OutboxRow[] = [];
    for (const { id: number, aggregateId, leasedUntil } of seen) {
      const id = String(number);
      if (!told.includes(aggregateId) || ids.includes(id) || leasedUntil >= work.at) continue;
      const row = yield* this.#lease(work, id);
      if (row !== undefined) behind.push(row);
    }
    return behind;
  }

  *#giveBack(work: Work, ids: readonly string[]): Generator<Work, void, void> {
    for (const id of ids) {
      if (!this.outbox.rows.has(id)) continue;
      yield* this.#lock(work, id);
      const row = work.get(this.outbox, id);
      if (row !== undefined) work.put(this.outbox, id, { ...row, leasedUntil: -Infinity });
    }
  }

  *#takeAbandoned(work: Work, limit: number): Generator<Work, OutboxRow[], void> {
    const seen = work.all(this.outbox).toSorted((a, b) => a.id - b.id);
    const heads = seen.filter(
      (row, index) =>
        row.leasedUntil < work.at &&
        (seen.findIndex((older) => older.aggregateId === row.aggregateId) === index ||
          defect('simulation.outbox-overtakes')),
    );
    const taken: OutboxRow[] = [];
    for (const { id } of heads) {
      if (taken.length === limit) break;
      // SKIP LOCKED
      if (work.take(this.outbox, String(id)) !== undefined) continue;
      const row = yield* this.#lease(work, String(id));
      if (row !== undefined) taken.push(row);
    }
    return taken;
  }

  /** Leases a row if, by now, it still is there and free. */
  *#lease(work: Work, id: string): Generator<Work, OutboxRow | undefined, void> {
    yield* this.#lock(work, id);
    const row = work.get(this.outbox, id);
    if (row === undefined || row.leasedUntil >= work.at) return undefined;
    work.put(this.outbox, id, { ...row, leasedUntil: work.at + leaseMs });
    // As jsonb comes back: equal, and nobody else's.
    return { id, aggregateId: row.aggregateId, message: JSON.parse(JSON.stringify(row.message)) as Message };
  }

  *#lock(work: Work, id: string): Generator<Work, void, void> {
    for (let holder = work.take(this.outbox, id); holder !== undefined; holder = work.take(this.outbox, id))
      yield holder;
  }
}
