/** Starting instances together with rows of the service's own, all in one statement. */
import { failPoint } from '@ballast/faults';
import type { Message } from '@ballast/messaging';
import { createBatcher, type Clock } from '@ballast/postgres';
import { outgoingTraceparent } from '@ballast/service/trace';
import { begin, type Advance } from './advance.ts';
import type { EngineOptions } from './engine.ts';
import { asStored, type RecentInstances } from './recent.ts';
import type { SagaStore, WithStart } from './store.ts';

export interface StartRequest<Context extends object> {
  id: string;
  context: Context;
}

/** What the engine lends to whoever starts instances for it. */
export interface StarterParts<Context extends object> {
  store: SagaStore<Context>;
  clock: Clock;
  messagesFor: (decided: Advance<Context>, cause: { messageId: null; traceparent: string | undefined }) => Message[];
  /** Seconds until a state's deadline; null: it has none. */
  deadlineOf: (state: string) => number | null;
  recent: RecentInstances<Context>;
}

/** See `SagaEngine.starter`. */
export function createStarter<Context extends object, Request extends StartRequest<Context>>(
  options: EngineOptions<Context>,
  own: WithStart<Request>,
  { store, clock, messagesFor, deadlineOf, recent }: StarterParts<Context>,
): (request: Request) => Promise<boolean> {
  const { definition, outbox, onMoved = () => {} } = options;
  const startThem = store.starter(own, deadlineOf(definition.initial));
  const startAll = async (items: readonly { request: Request; traceparent: string }[]): Promise<boolean[]> => {
    const requests = items.map((item) => item.request);
    const beginnings = requests.map(({ id, context }) => begin(definition, id, asStored(context)));
    const starts = items.map(({ request: { id, context }, traceparent }, index) => ({
      id,
      context,
      messages: messagesFor(beginnings[index]!, { messageId: null, traceparent }),
    }));
    await failPoint('before-commit', definition.startEvent);
    const stored = await startThem(starts, requests);
    await failPoint('after-commit', definition.startEvent);
    outbox.handOver(
      starts.flatMap((start) => start.messages),
      stored.sent,
    );
    const begun = new Set(stored.begun);
    for (const { instance } of beginnings) if (begun.has(instance.id)) recent.keep({ instance, messages: new Set() });
    if (begun.size > 0) onMoved([...begun]);
    return requests.map((request) => begun.has(request.id));
  };
  const startOne = createBatcher<{ request: Request; traceparent: string }, boolean>({
    key: (item) => item.request.id,
    one: async (item) => (await startAll([item]))[0]!,
    many: startAll,
    clock,
  });
  return (request) => startOne({ request, traceparent: outgoingTraceparent() });
}
