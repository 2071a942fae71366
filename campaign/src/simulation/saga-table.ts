/** The tables of libs/saga in memory, with those of the service that starts instances: what the SQL says. */
import { defect } from '@ballast/faults';
import { DatabaseError } from '@ballast/postgres';
import type { Known, LogLine, Move, SagaDefinition, SagaStore, Start } from '@ballast/saga';
import type { StoredRow } from '@ballast/outbox';
import { Table, type Session, type Work } from './database.ts';
import type { OutboxTables } from './outbox-table.ts';

interface Row {
  id: string;
  state: string;
  version: number;
  /** jsonb */
  context: string;
  progress: string;
  deadlineAt: number | null;
}

/** A line as it was committed. */
export interface CommittedLine extends LogLine {
  /** When, in ms. */
  at: number;
}

/** The service's own rows that belong to a start: which of these requests may begin. See `WithStart.accept`. */
export type Accept = (work: Work, request: unknown) => Generator<Work, boolean, void>;

export class SagaTables<Context extends object> {
  readonly sagas = new Table<Row>();
  /** The lines of an instance are one row here; `seq` is unique among them. */
  readonly log = new Table<{ lines: readonly CommittedLine[] }>();
  readonly #definition: SagaDefinition<Context>;
  readonly #outbox: OutboxTables;
  readonly #accept: Accept;

  constructor(definition: SagaDefinition<Context>, outbox: OutboxTables, accept: Accept) {
    this.#definition = definition;
    this.#outbox = outbox;
    this.#accept = accept;
  }

  /** When the next look for deadlines would find something. */
  due(): number {
    let due = Infinity;
    for (const { deadlineAt } of this.sagas.rows.values())
      if (deadlineAt !== null && deadlineAt < due) due = deadlineAt;
    return due;
  }

  lines(id: string): readonly CommittedLine[] {
    return this.log.rows.get(id)?.lines ?? [];
  }

  store(session: Pick<Session, 'run'>): SagaStore<Context> {
    return {
      load: (ids) => session.run((work) => this.#load(work, ids)),
      move: (moves) => session.run((work) => this.#move(work, moves)),
      starter: (_own, deadline) => (starts, requests) =>
        session.run((work) => this.#start(work, starts, requests, deadline)),
      overdue: (limit) => session.run((work) => this.#overdue(work, limit)),
    };
  }

  // oxlint-disable-next-line require-yield -- who only reads waits for nobody
  *#load(work: Work, ids: readonly string[]): Generator<Work, Known<Context>[], void> {
    return ids.flatMap((id) => {
      const row = work.get(this.sagas, id);
      if (row === undefined) return [];
      const { owed, early } = JSON.parse(row.progress) as Pick<Known<Context>['instance'], 'owed' | 'early'>;
      const { state, version } = row;
      const context = JSON.parse(row.context) as Context;
      const messages = this.lines(id).flatMap((line) => (line.messageId === null ? [] : [line.messageId]));
      return [{ instance: { id, state, version, context, owed, early }, messages: new Set(messages) }];
    });
  }

  *#move(work: Work, moves: readonly Move<Context>[]): Generator<Work, { moved: string[]; sent: StoredRow[] }, void> {
    const { sagas } = this;
    // The statement's snapshot: whether older rows wait in the outbox is seen before anybody is waited for.
    const waiting = this.#outbox.waiting(work);
    const moved: Move<Context>[] = [];
    for (const move of moves.toSorted((a, b) => (a.instance.id < b.instance.id ? -1 : 1))) {
      const { id } = move.instance;
      for (let holder = work.take(sagas, id); holder !== undefined; holder = work.take(sagas, id)) yield holder;
      const row = work.get(sagas, id);
      if (row === undefined || (row.version !== move.expected && !defect('simulation.no-version-guard'))) continue;
      moved.push(move);
      work.put(sagas, id, {
        id,
        state: move.instance.state,
        version: move.instance.version,
        context: move.contextChanged ? JSON.stringify(move.instance.context) : row.context,
        progress: JSON.stringify({ owed: move.instance.owed, early: move.instance.early }),
        deadlineAt: move.deadline === null ? null : work.at + move.deadline * 1_000,
      });
      this.#write(work, id, move.log);
    }
    const sent = this.#outbox.insert(
      work,
      moved.flatMap((move) => move.messages),
      waiting,
    );
    return { moved: moved.map((move) => move.instance.id), sent };
  }

  *#start(
    work: Work,
    starts: readonly Start<Context>[],
    requests: readonly unknown[],
    deadline: number | null,
  ): Generator<Work, { begun: string[]; sent: StoredRow[] }, void> {
    const { initial, startEvent } = this.#definition;
    const waiting = this.#outbox.waiting(work);
    const begun: Start<Context>[] = [];
    for (const [index, start] of starts.entries()) {
      if (!(yield* this.#accept(work, requests[index]))) continue;
      begun.push(start);
      work.take(this.sagas, start.id);
      work.put(this.sagas, start.id, {
        id: start.id,
        state: initial,
        version: 1,
        context: JSON.stringify(start.context),
        progress: '{"owed":[],"early":[]}',
        deadlineAt: deadline === null ? null : work.at + deadline * 1_000,
      });
      this.#write(work, start.id, [
        { seq: 1, from: null, event: startEvent, to: initial, messageId: null, decision: null },
      ]);
    }
    const sent = this.#outbox.insert(
      work,
      begun.flatMap((start) => start.messages),
      waiting,
    );
    return { begun: begun.map((start) => start.id), sent };
  }

  // oxlint-disable-next-line require-yield -- who only reads waits for nobody
  *#overdue(work: Work, limit: number): Generator<Work, { id: string; state: string; version: number }[], void> {
    return work
      .all(this.sagas)
      .filter((row) => row.deadlineAt !== null && row.deadlineAt <= work.at)
      .toSorted((a, b) => a.deadlineAt! - b.deadlineAt!)
      .slice(0, limit)
      .map(({ id, state, version }) => ({ id, state, version }));
  }

  /** The row of the instance is locked, so nobody else writes its log. */
  #write(work: Work, id: string, log: readonly LogLine[]): void {
    const before = work.get(this.log, id)?.lines ?? [];
    const taken = log.some(({ seq }) => before.some((line) => line.seq === seq));
    if (taken && !defect('simulation.no-version-guard')) {
      throw new DatabaseError('duplicate key value violates unique constraint "saga_transitions_pkey"', {
        cause: null,
        sqlstate: '23505',
        retryable: false,
      });
    }
    const lines = log.map((line): CommittedLine => ({ ...line, at: work.at }));
    work.onCommit(() => {
      for (const line of lines) line.at = work.committedAt;
    });
    work.put(this.log, id, { lines: [...before, ...lines] });
  }
}
