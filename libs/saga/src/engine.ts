/** The engine: events in, transitions stored, commands out. Several replicas may run it on the same tables. */
import diagnostics from 'node:diagnostics_channel';
import { declareFailPoints, defect, failPoint } from '@ballast/faults';
import { createMessage, Terminal, type Message, type OutgoingMessage } from '@ballast/messaging';
import type { Outbox } from '@ballast/outbox';
import { createBatcher, realClock, type Clock, type Database } from '@ballast/postgres';
import { outgoingTraceparent } from '@ballast/service/trace';
import { advance, type Advance } from './advance.ts';
import { watchDeadlines } from './deadlines.ts';
import { checkDefinition, type SagaDefinition } from './definition.ts';
import { asStored, RecentInstances } from './recent.ts';
import { createStarter, type StartRequest } from './starter.ts';
import { postgresSagas, type Known, type Move, type SagaStore, type WithStart } from './store.ts';

declareFailPoints({ compensating: 'a transition with compensations owed is decided and not stored yet' });

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
  outbox: Pick<Outbox, 'handOver'>;
  /** Told, after the commit, which instances have moved. A hint for live views: it may be lost. */
  onMoved?: (ids: readonly string[]) => void;
  onError?: (error: unknown) => void;
  /** Pause between looks for passed deadlines, in ms. */
  deadlinesEveryMs?: number;
  clock?: Clock;
  /** Puts a command into its envelope, with an id of its own. */
  envelope?: (command: OutgoingMessage, traceparent: string | undefined) => Message;
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

/** Definitions that were looked at and have no hole: a process may build many engines on one. */
const whole = new WeakSet<object>();

const counts = diagnostics.channel('ballast:count');

const maximumConflicts = 20;
const deadlinePage = 200;

/** Builds an engine on the database's own tables, or on any other store; throws when the definition has a hole. */
export function createSagaEngine<Context extends object>(
  options: EngineOptions<Context> & ({ database: Database } | { store: SagaStore<Context> }),
): SagaEngine<Context> {
  const { definition, outbox, onMoved = () => {}, onError = () => {}, clock = realClock } = options;
  const { envelope = createMessage } = options;
  if (!whole.has(definition)) {
    const holes = checkDefinition(definition);
    if (holes.length > 0) throw new Error(`saga ${definition.name}: ${holes.join('; ')}`);
    whole.add(definition);
  }
  const store = 'store' in options ? options.store : postgresSagas<Context>(options.database, definition);

  const deadlineOf = (state: string): number | null => definition.states[state]?.deadline?.seconds ?? null;

  const messagesFor = (
    decided: Advance<Context>,
    cause: { messageId: string | null; traceparent: string | undefined },
  ): Message[] =>
    decided.commands.map((type) => {
      const { id, context } = decided.instance;
      const body = definition.commands[type]!(id, context);
      return envelope(
        { type, correlationId: id, causationId: cause.messageId, body } as OutgoingMessage,
        cause.traceparent,
      );
    });

  const recent = new RecentInstances<Context>();

  const load = async (ids: readonly string[]): Promise<Map<string, Known<Context>>> => {
    const found = await store.load(ids);
    for (const { instance } of found) recent.check(instance.id, instance.version);
    return new Map(found.map((known) => [known.instance.id, known]));
  };

  const decideOn = (index: number, item: Item, before: Known<Context>): Decided<Context> | null => {
    const { instance, messages: seen } = before;
    if (item.messageId !== null && seen.has(item.messageId) && !defect('saga.no-memory')) return null;
    if (item.version !== undefined && item.version !== instance.version) return null;
    if (item.decision !== undefined && definition.states[instance.state]?.waitsForPerson !== true) return null;
    const result = advance(definition, instance, item);
    return result === null ? null : { index, item, before, result, messages: messagesFor(result, item) };
  };

  /** Stores what was decided; tells of each whether its instance still was where it was decided on. */
  const moveAll = async (decided: readonly Decided<Context>[]): Promise<Set<string>> => {
    for (const { result } of decided) {
      await failPoint('before-commit', result.transitions.at(-1)!.event);
      if (result.instance.owed.length > 0) await failPoint('compensating');
    }
    // Until the answer is there nobody knows what the row is like.
    for (const { item } of decided) recent.drop(item.sagaId);
    const stored = await store.move(decided.map((entry) => toMove(entry, deadlineOf(entry.result.instance.state))));
    for (const { result } of decided) await failPoint('after-commit', result.transitions.at(-1)!.event);
    outbox.handOver(
      decided.flatMap((entry) => entry.messages),
      stored.sent,
    );
    return new Set(stored.moved);
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

    const really = await moveAll(decided);
    const moved = defect('saga.conflict-unnoticed') ? new Set(decided.map(({ item }) => item.sagaId)) : really;
    for (const entry of decided) {
      const { index, item, before, result } = entry;
      if (guessed.has(entry)) recent.learn(moved.has(item.sagaId));
      outcomes[index] = moved.has(item.sagaId) ? 'moved' : 'conflict';
      if (moved.has(item.sagaId)) countStates(definition.name, result.transitions);
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
    clock,
  });

  const deadlines = watchDeadlines(
    async () => {
      const rows = await store.overdue(deadlinePage);
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
    clock,
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
    starter: (own) => createStarter(options, own, { store, clock, messagesFor, deadlineOf, recent }),
    start: deadlines.start,
    stop: deadlines.stop,
  };
}

/** After the commit, so that a state counts as entered once; what is kept for later or ignored enters none. */
function countStates(saga: string, transitions: Advance<object>['transitions']): void {
  if (!counts.hasSubscribers) return;
  for (const { from, to } of transitions)
    if (to !== from) counts.publish({ name: 'saga_states_entered_total', labels: { saga, state: to } });
}

function toMove<Context extends object>(
  { item, before, result, messages }: Decided<Context>,
  deadline: number | null,
): Move<Context> {
  return {
    expected: before.instance.version,
    instance: result.instance,
    contextChanged: result.instance.context !== before.instance.context,
    deadline,
    log: result.transitions.map((line, index) => ({
      ...line,
      messageId: item.messageId,
      // What came early and is applied along with the decision is nobody's decision.
      decision: index === 0 ? (item.decision ?? null) : null,
    })),
    messages,
  };
}
