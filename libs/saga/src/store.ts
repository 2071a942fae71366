/** What the engine needs of its tables, and those tables in PostgreSQL. A simulation has some in memory. */
import { defect } from '@ballast/faults';
import type { Message } from '@ballast/messaging';
import { outboxParameters, type StoredRow } from '@ballast/outbox';
import type { Database } from '@ballast/postgres';
import type { Instance, TransitionRecord } from './advance.ts';
import type { AnyDefinition } from './definition.ts';
import * as sql from './sql.ts';

/** An instance, and the messages that made it what it is. */
export interface Known<Context extends object> {
  instance: Instance<Context>;
  messages: ReadonlySet<string>;
}

/** One line for the log. `messageId` is null for deadlines and decisions. */
export interface LogLine extends TransitionRecord {
  messageId: string | null;
  /** Of a decision: who made it and why. */
  decision: { by: string; note: string } | null;
}

/** What a transition writes, if the instance still has the version `expected`. */
export interface Move<Context extends object> {
  expected: number;
  instance: Instance<Context>;
  /** False: the stored context stays as it is. */
  contextChanged: boolean;
  /** Seconds from now; null: the state has no deadline. */
  deadline: number | null;
  log: readonly LogLine[];
  messages: readonly Message[];
}

/** A start: a new instance at version 1, its first log line and its first commands. */
export interface Start<Context extends object> {
  id: string;
  context: Context;
  messages: readonly Message[];
}

/** Rows of the service's own that belong to the start and decide about it; see `sql.start`. */
export interface WithStart<Request> {
  /** Name for the prepared statement. */
  name: string;
  /** CTE `accepted AS (INSERT … RETURNING … AS id)`, with parameters from $9 on. */
  accept: string;
  parameters: (requests: readonly Request[]) => unknown[];
}

/** The instances of one definition. Each call is atomic, and is one statement in PostgreSQL. */
export interface SagaStore<Context extends object> {
  /** Those that exist. */
  load(ids: readonly string[]): Promise<Known<Context>[]>;
  /** Moves those that have not moved since: which they are, and the outbox's rows for their messages. */
  move(moves: readonly Move<Context>[]): Promise<{ moved: readonly string[]; sent: readonly StoredRow[] }>;
  /** A function that starts those instances which the service's own rows accept. */
  starter<Request>(
    own: WithStart<Request>,
    deadline: number | null,
  ): (
    starts: readonly Start<Context>[],
    requests: readonly Request[],
  ) => Promise<{ begun: readonly string[]; sent: readonly StoredRow[] }>;
  /** Instances whose deadline has passed, at most `limit`, the longest overdue first. */
  overdue(limit: number): Promise<{ id: string; state: string; version: number }[]>;
}

interface LoadedRow {
  saga_id: string;
  state: string;
  version: number;
  context: object;
  progress: { owed: string[]; early: { event: string; body: unknown }[] };
  messages: string[];
}

/** The tables of `sagaMigrations`, with those of libs/outbox beside them. */
export function postgresSagas<Context extends object>(
  database: Database,
  definition: AnyDefinition,
): SagaStore<Context> {
  return {
    load: async (ids) => {
      const rows =
        ids.length === 1
          ? await database.query<LoadedRow>(sql.loadOne, ids)
          : await database.query<LoadedRow>(sql.load, [ids]);
      return rows.map(toKnown<Context>);
    },
    move: async (moves) => {
      const [stored] = await database.query<{ moved: string[]; sent: StoredRow[] }>(sql.move, moveParameters(moves));
      return stored!;
    },
    starter: (own, deadline) => {
      const statement = { name: own.name, text: sql.start(own.accept, definition.startEvent) };
      return async (starts, requests) => {
        const [stored] = await database.query<{ begun: string[]; sent: StoredRow[] }>(statement, [
          definition.name,
          starts.map((start) => start.id),
          starts.map((start) => JSON.stringify(start.context)),
          starts.map(() => deadline),
          definition.initial,
          ...outboxParameters(starts.flatMap((start) => start.messages)),
          ...own.parameters(requests),
        ]);
        return stored!;
      };
    },
    overdue: (limit) => database.query(sql.overdue, [definition.name, limit]),
  };
}

function toKnown<Context extends object>(row: LoadedRow): Known<Context> {
  const { owed, early } = row.progress;
  return {
    instance: {
      id: row.saga_id,
      state: row.state,
      version: row.version,
      context: row.context as Context,
      owed,
      early,
    },
    messages: new Set(defect('saga.no-inbox') ? [] : row.messages),
  };
}

function moveParameters<Context extends object>(moves: readonly Move<Context>[]): unknown[] {
  const instances = moves.map((move) => move.instance);
  const log = moves
    .flatMap((move) => move.log.map((line) => ({ id: move.instance.id, ...line })))
    .filter((line) => line.event !== 'StockReserved' || !defect('saga.no-log'));
  return [
    instances.map((instance) => instance.id),
    moves.map((move) => move.expected),
    instances.map((instance) => instance.version),
    instances.map((instance) => instance.state),
    // Most transitions learn nothing: null keeps the stored context.
    moves.map((move) => (move.contextChanged ? JSON.stringify(move.instance.context) : null)),
    instances.map((instance) => JSON.stringify({ owed: instance.owed, early: instance.early })),
    moves.map((move) => move.deadline),
    log.map((line) => line.id),
    log.map((line) => line.seq),
    log.map((line) => line.from),
    log.map((line) => line.event),
    log.map((line) => line.to),
    log.map((line) => line.messageId),
    log.map((line) => (line.decision === null ? null : JSON.stringify(line.decision))),
    ...outboxParameters(moves.flatMap((move) => move.messages)),
  ];
}
