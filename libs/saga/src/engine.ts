/** The engine: events in, transitions stored, commands out. Several replicas may run it on the same tables. */
import { failPoint } from '@ballast/faults';
import { createMessage, Terminal, type Message, type OutgoingMessage } from '@ballast/messaging';
import { outboxParameters, type Outbox, type StoredRow } from '@ballast/outbox';
import { createBatcher, type Database } from '@ballast/postgres';
import { outgoingTraceparent } from '@ballast/service/trace';
import { advance, type Advance } from './advance.ts';
import { watchDeadlines } from './deadlines.ts';
import { checkDefinition, type SagaDefinition } from './definition.ts';
import { asStored, RecentInstances, type Known } from './recent.ts';
import * as sql from './sql.ts';
import { createStarter, type StartRequest, type WithStart } from './starter.ts';

/** Others moved the same instance every time it was tried; the message comes again later. */
export class SagaConflict extends Error {
  readonly retryable = true;
  constructor(id: string) {
    super(`saga ${id} was moved by others each time`);
    this.name = 'SagaConflict';
  }
}

export interface EngineOptions<Context extends object> {
  definition: SagaDefinition<Context>;
  database: Database;
  outbox: Outbox;
  /** Told, after the commit, which instances have moved. A hint for live views: it may be lost. */
  onMoved?: (ids: readonly string[]) => void;
  onError?: (error: unknown) => void;
  /** Pause between looks for passed deadlines, in ms. */
  deadlinesEveryMs?: number;
}

/** What a person has decided about an instance that waits for one. */
export interface Decision {
  id: string;
  /** One of the definition's decisions. */
  event: string;
  /** The version the person saw; an instance that has moved since is left alone. */
  version: number;
  /** Who decided: a user's id. Logged with the transition. */
  by: string;
  /** Why. Logged with the transition, and told to `learn`. */
  note: string;
}

export interface SagaEngine<Context extends object> {
  /** Applies an event to the instance its correlation id names, exactly once per message id. */
  handle(message: Message): Promise<void>;
  /** Applies a person's decision; false when the instance does not wait for one, or has moved since. */
  decide(decision: Decision): Promise<boolean>;
  /** A function that starts instances together with rows of the service's own; resolves to whether it was accepted. */
  starter<Request extends StartRequest<Context>>(own: WithStart<Request>): (request: Request) => Promise<boolean>;
  /** Begins watching deadlines. */
  start(): void;
  stop(): Promise<void>;
}

interface Item {
  sagaId: string;
  event: string;
  body: unknown;
  /** Null for deadlines and decisions. */
  messageId: string | null;
  traceparent: string | undefined;
  /** For deadlines and decisions: the version they belong to; a saga that has moved since has no use for them. */
  version: number | undefined;
  /** For decisions: who made it and why, as it is logged. */
  decision?: { by: string; note: string };
}

/** What one item of a batch leads to. */
interface Decided<Context extends object> {
  index: number;
  item: Item;
  before: Known<Context>;
  result: Advance<Context>;
  messages: Message[];
}

type Outcome = 'moved' | 'ignored' | 'conflict';

interface LoadedRow {
  saga_id: string;
  state: string;
  version: number;
  context: object;
  progress: { owed: string[]; early: { event: string; body: unknown }[] };
  messages: string[];
}

const maximumConflicts = 20;
const deadlinePage = 200;

/** Builds an engine; throws when the definition has a hole. */
export function createSagaEngine<Context extends object>(options: EngineOptions<Context>): SagaEngine<Context> {
  const { definition, database, outbox, onMoved = () => {}, onError = () => {} } = options;
  const holes = checkDefinition(definition);
  if (holes.length > 0) throw new Error(`saga ${definition.name}: ${holes.join('; ')}`);

  const deadlineOf = (state: string): number | null => definition.states[state]?.deadline?.seconds ?? null;

  const messagesFor = (
    decided: Advance<Context>,
    cause: { messageId: string | null; traceparent: string | undefined },
  ): Message[] =>
    decided.commands.map((type) => {
      const { id, context } = decided.instance;
      const body = definition.commands[type]!(id, context);
      return createMessage(
        { type, correlationId: id, causationId: cause.messageId, body } as OutgoingMessage,
        cause.traceparent,
      );
    });

  const recent = new RecentInstances<Context>();

  const load = async (ids: readonly string[]): Promise<Map<string, Known<Context>>> => {
    const rows =
      ids.length === 1
        ? await database.query<LoadedRow>(sql.loadOne, ids)
        : await database.query<LoadedRow>(sql.load, [ids]);
    for (const row of rows) recent.check(row.saga_id, row.version);
    return new Map(rows.map((row) => [row.saga_id, toKnown<Context>(row)]));
  };

  const decideOn = (index: number, item: Item, before: Known<Context>): Decided<Context> | null => {
    const { instance, messages: seen } = before;
    if (item.messageId !== null && seen.has(item.messageId)) return null;
    if (item.version !== undefined && item.version !== instance.version) return null;
    if (item.decision !== undefined && definition.states[instance.state]?.waitsForPerson !== true) return null;
    const result = advance(definition, instance, item);
    return result === null ? null : { index, item, before, result, messages: messagesFor(result, item) };
  };

  /** Stores what was decided; tells of each whether its instance still was where it was decided on. */
  const store = async (decided: readonly Decided<Context>[]): Promise<Set<string>> => {
    for (const { result } of decided) {
      await failPoint('before-commit', result.transitions.at(-1)!.event);
      if (result.instance.owed.length > 0) await failPoint('compensating');
    }
    // Until the answer is there nobody knows what the row is like.
    for (const { item } of decided) recent.drop(item.sagaId);
    const [stored] = await database.query<{ moved: string[]; sent: StoredRow[] }>(
      sql.move,
      moveParameters(decided, deadlineOf),
    );
    for (const { result } of decided) await failPoint('after-commit', result.transitions.at(-1)!.event);
    outbox.handOver(
      decided.flatMap((entry) => entry.messages),
      stored!.sent,
    );
    return new Set(stored!.moved);
  };

  const applyAll = async (items: readonly Item[]): Promise<Outcome[]> => {
    const outcomes: Outcome[] = items.map(() => 'ignored');
    const decided: Decided<Context>[] = [];
    const unread: { index: number; item: Item }[] = [];
    items.forEach((item, index) => {
      const known = recent.get(item.sagaId);
      const entry = known === undefined ? null : decideOn(index, item, known);
      if (entry === null) unread.push({ index, item });
      else decided.push(entry);
    });
    const guessed = new Set(decided);
    if (unread.length > 0) {
      const read = await load(unread.map(({ item }) => item.sagaId));
      for (const { index, item } of unread) {
        const before = read.get(item.sagaId);
        if (before === undefined) throw new Terminal(`no saga ${item.sagaId}`);
        const entry = decideOn(index, item, before);
        if (entry !== null) decided.push(entry);
      }
      // In one order everywhere, like the items.
      decided.sort((a, b) => a.index - b.index);
    }
    if (decided.length === 0) return outcomes;

    const moved = await store(decided);
    for (const entry of decided) {
      const { index, item, before, result } = entry;
      if (guessed.has(entry)) recent.learn(moved.has(item.sagaId));
      outcomes[index] = moved.has(item.sagaId) ? 'moved' : 'conflict';
      if (!moved.has(item.sagaId) || definition.states[result.instance.state]?.final === true) continue;
      const messages = item.messageId === null ? before.messages : new Set([...before.messages, item.messageId]);
      const { context } = result.instance;
      const instance =
        context === before.instance.context ? result.instance : { ...result.instance, context: asStored(context) };
      recent.keep({ instance, messages });
    }
    if (moved.size > 0) onMoved([...moved]);
    return outcomes;
  };

  const apply = createBatcher<Item, Outcome>({
    key: (item) => item.sagaId,
    one: async (item) => (await applyAll([item]))[0]!,
    many: applyAll,
  });

  const deadlines = watchDeadlines(
    async () => {
      const rows = await database.query<{ id: string; state: string; version: number }>(sql.overdue, [
        definition.name,
        deadlinePage,
      ]);
      const outcomes = await Promise.allSettled(
        // async: an instance that this version of the definition has no deadline for must not hold up the others.
        rows.map(async (row) =>
          apply({
            sagaId: row.id,
            event: definition.states[row.state]!.deadline!.event,
            body: {},
            messageId: null,
            traceparent: outgoingTraceparent(),
            version: row.version,
          }),
        ),
      );
      for (const outcome of outcomes) if (outcome.status === 'rejected') onError(outcome.reason);
    },
    options.deadlinesEveryMs ?? 500,
    onError,
  );

  return {
    handle: async (message) => {
      const item: Item = {
        sagaId: message.correlationId,
        event: message.type,
        body: message.body,
        messageId: message.id,
        traceparent: outgoingTraceparent(),
        version: undefined,
      };
      for (let tries = 0; tries < maximumConflicts; tries += 1) {
        if ((await apply(item)) !== 'conflict') return;
      }
      throw new SagaConflict(message.correlationId);
    },
    decide: async ({ id, event, version, by, note }) => {
      if (definition.decisions?.includes(event) !== true)
        throw new TypeError(`${definition.name}: ${event} is no decision`);
      const decision = { by, note };
      const traceparent = outgoingTraceparent();
      const outcome = await apply({
        sagaId: id,
        event,
        body: decision,
        messageId: null,
        traceparent,
        version,
        decision,
      });
      return outcome === 'moved';
    },
    starter: (own) => createStarter(options, own, { messagesFor, deadlineOf, recent }),
    start: deadlines.start,
    stop: deadlines.stop,
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
    messages: new Set(row.messages),
  };
}

function moveParameters<Context extends object>(
  decided: readonly Decided<Context>[],
  deadlineOf: (state: string) => number | null,
): unknown[] {
  const instances = decided.map((entry) => entry.result.instance);
  const log = decided.flatMap(({ item, result }) =>
    // What came early and is applied along with the decision is nobody's decision.
    result.transitions.map((line, index) => ({
      id: result.instance.id,
      messageId: item.messageId,
      decision: index === 0 && item.decision !== undefined ? JSON.stringify(item.decision) : null,
      ...line,
    })),
  );
  return [
    instances.map((instance) => instance.id),
    decided.map((entry) => entry.before.instance.version),
    instances.map((instance) => instance.version),
    instances.map((instance) => instance.state),
    // Most transitions learn nothing: null keeps the stored context.
    decided.map(({ before, result }) =>
      result.instance.context === before.instance.context ? null : JSON.stringify(result.instance.context),
    ),
    instances.map((instance) => JSON.stringify({ owed: instance.owed, early: instance.early })),
    instances.map((instance) => deadlineOf(instance.state)),
    log.map((line) => line.id),
    log.map((line) => line.seq),
    log.map((line) => line.from),
    log.map((line) => line.event),
    log.map((line) => line.to),
    log.map((line) => line.messageId),
    log.map((line) => line.decision),
    ...outboxParameters(decided.flatMap((entry) => entry.messages)),
  ];
}
