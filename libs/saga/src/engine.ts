/** The engine: events in, transitions stored, commands out. Several replicas may run it on the same tables. */
import { failPoint } from '@ballast/faults';
import { createMessage, Terminal, type Message, type OutgoingMessage } from '@ballast/messaging';
import { outboxParameters, type Outbox, type StoredRow } from '@ballast/outbox';
import { createBatcher, type Database } from '@ballast/postgres';
import { outgoingTraceparent } from '@ballast/service/trace';
import { advance, begin, type Advance, type Instance } from './advance.ts';
import { checkDefinition, type SagaDefinition } from './definition.ts';
import * as sql from './sql.ts';

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
  /** Name under which the inbox remembers messages. */
  consumer: string;
  /** Told, after the commit, which instances have moved. A hint for live views: it may be lost. */
  onMoved?: (ids: readonly string[]) => void;
  onError?: (error: unknown) => void;
  /** Pause between looks for passed deadlines, in ms. */
  deadlinesEveryMs?: number;
}

export interface StartRequest<Context extends object> {
  id: string;
  context: Context;
}

/** Rows of the service's own that belong to the start and decide about it; see `sql.start`. */
export interface WithStart<Request> {
  /** Name for the prepared statement. */
  name: string;
  /** CTE `accepted AS (INSERT … RETURNING … AS id)`, with parameters from $9 on. */
  accept: string;
  parameters: (requests: readonly Request[]) => unknown[];
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
  before: Instance<Context>;
  result: Advance<Context>;
  messages: Message[];
}

type Outcome = 'moved' | 'ignored' | 'conflict';

interface LoadedRow {
  saga_id: string;
  state: string | null;
  version: number;
  context: object;
  progress: { owed: string[]; early: { event: string; body: unknown }[] };
  seen: boolean;
}

const maximumConflicts = 20;
const deadlinePage = 200;

/** Builds an engine; throws when the definition has a hole. */
export function createSagaEngine<Context extends object>(options: EngineOptions<Context>): SagaEngine<Context> {
  const { definition, database, outbox, consumer, onMoved = () => {}, onError = () => {} } = options;
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

  const applyAll = async (items: readonly Item[]): Promise<Outcome[]> => {
    const [first] = items;
    const loaded =
      items.length === 1
        ? await database.query<LoadedRow>(sql.loadOne, [first!.sagaId, first!.messageId, consumer])
        : await database.query<LoadedRow>(sql.load, [
            items.map((item) => item.sagaId),
            items.map((item) => item.messageId),
            consumer,
          ]);
    const rows = new Map(loaded.map((row) => [row.saga_id, row]));
    const outcomes: Outcome[] = items.map(() => 'ignored');
    const decided: Decided<Context>[] = [];
    items.forEach((item, index) => {
      const row = rows.get(item.sagaId);
      if (row === undefined || row.state === null) throw new Terminal(`no saga ${item.sagaId}`);
      if (row.seen || (item.version !== undefined && item.version !== row.version)) return;
      if (item.decision !== undefined && definition.states[row.state]?.waitsForPerson !== true) return;
      const before = toInstance<Context>(row);
      const result = advance(definition, before, item);
      if (result === null) return;
      decided.push({ index, item, before, result, messages: messagesFor(result, item) });
    });
    if (decided.length === 0) return outcomes;

    for (const { result } of decided) {
      await failPoint('before-commit', result.transitions.at(-1)!.event);
      if (result.instance.owed.length > 0) await failPoint('compensating');
    }
    const messages = decided.flatMap((entry) => entry.messages);
    const [stored] = await database.query<{ moved: string[]; sent: StoredRow[] }>(
      sql.move,
      moveParameters(decided, consumer, deadlineOf),
    );
    const moved = new Set(stored!.moved);
    for (const { result } of decided) await failPoint('after-commit', result.transitions.at(-1)!.event);
    outbox.handOver(messages, stored!.sent);
    for (const { index, item } of decided) outcomes[index] = moved.has(item.sagaId) ? 'moved' : 'conflict';
    if (moved.size > 0) onMoved([...moved]);
    return outcomes;
  };

  const apply = createBatcher<Item, Outcome>({
    key: (item) => item.sagaId,
    one: async (item) => (await applyAll([item]))[0]!,
    many: applyAll,
    lanes: 2,
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
    starter: (own) => createStarter(options, own, messagesFor, deadlineOf),
    start: deadlines.start,
    stop: deadlines.stop,
  };
}

function createStarter<Context extends object, Request extends StartRequest<Context>>(
  options: EngineOptions<Context>,
  own: WithStart<Request>,
  messagesFor: (decided: Advance<Context>, cause: { messageId: null; traceparent: string | undefined }) => Message[],
  deadlineOf: (state: string) => number | null,
): (request: Request) => Promise<boolean> {
  const { definition, database, outbox, onMoved = () => {} } = options;
  const statement = { name: own.name, text: sql.start(own.accept, definition.startEvent) };
  const startAll = async (items: readonly { request: Request; traceparent: string }[]): Promise<boolean[]> => {
    const requests = items.map((item) => item.request);
    const messages = items.flatMap(({ request, traceparent }) =>
      messagesFor(begin(definition, request.id, request.context), { messageId: null, traceparent }),
    );
    await failPoint('before-commit', definition.startEvent);
    const [stored] = await database.query<{ begun: string[]; sent: StoredRow[] }>(statement, [
      definition.name,
      requests.map((request) => request.id),
      requests.map((request) => JSON.stringify(request.context)),
      requests.map(() => deadlineOf(definition.initial)),
      definition.initial,
      ...outboxParameters(messages),
      ...own.parameters(requests),
    ]);
    await failPoint('after-commit', definition.startEvent);
    outbox.handOver(messages, stored!.sent);
    const begun = new Set(stored!.begun);
    if (begun.size > 0) onMoved([...begun]);
    return requests.map((request) => begun.has(request.id));
  };
  const startOne = createBatcher<{ request: Request; traceparent: string }, boolean>({
    key: (item) => item.request.id,
    one: async (item) => (await startAll([item]))[0]!,
    many: startAll,
    lanes: 2,
  });
  return (request) => startOne({ request, traceparent: outgoingTraceparent() });
}

function toInstance<Context extends object>(row: LoadedRow): Instance<Context> {
  return {
    id: row.saga_id,
    state: row.state!,
    version: row.version,
    context: row.context as Context,
    owed: row.progress.owed,
    early: row.progress.early,
  };
}

function moveParameters<Context extends object>(
  decided: readonly Decided<Context>[],
  consumer: string,
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
    decided.map((entry) => entry.before.version),
    instances.map((instance) => instance.version),
    instances.map((instance) => instance.state),
    // Most transitions learn nothing: null keeps the stored context.
    decided.map(({ before, result }) =>
      result.instance.context === before.context ? null : JSON.stringify(result.instance.context),
    ),
    instances.map((instance) => JSON.stringify({ owed: instance.owed, early: instance.early })),
    instances.map((instance) => deadlineOf(instance.state)),
    consumer,
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

/** Calls `look` again and again with a pause in between; never two at a time. */
function watchDeadlines(look: () => Promise<void>, everyMs: number, onError: (error: unknown) => void) {
  let timer: NodeJS.Timeout | undefined;
  let looking: Promise<void> = Promise.resolve();
  let stopped = false;
  const schedule = (): void => {
    timer = setTimeout(() => {
      looking = look().catch(onError);
      void looking.then(() => {
        if (!stopped) schedule();
      });
    }, everyMs);
  };
  return {
    start: () => {
      if (timer === undefined) schedule();
    },
    stop: async () => {
      stopped = true;
      clearTimeout(timer);
      await looking;
    },
  };
}
