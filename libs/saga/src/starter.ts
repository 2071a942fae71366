/** Starting instances together with rows of the service's own, all in one statement. */
import { failPoint } from '@ballast/faults';
import type { Message } from '@ballast/messaging';
import { outboxParameters, type StoredRow } from '@ballast/outbox';
import { createBatcher } from '@ballast/postgres';
import { outgoingTraceparent } from '@ballast/service/trace';
import { begin, type Advance } from './advance.ts';
import type { EngineOptions } from './engine.ts';
import { asStored, type RecentInstances } from './recent.ts';
import * as sql from './sql.ts';

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

/** What the engine lends to whoever starts instances for it. */
export interface StarterParts<Context extends object> {
  messagesFor: (decided: Advance<Context>, cause: { messageId: null; traceparent: string | undefined }) => Message[];
  /** Seconds until a state's deadline; null: it has none. */
  deadlineOf: (state: string) => number | null;
  recent: RecentInstances<Context>;
}

/** See `SagaEngine.starter`. */
export function createStarter<Context extends object, Request extends StartRequest<Context>>(
  options: EngineOptions<Context>,
  own: WithStart<Request>,
  { messagesFor, deadlineOf, recent }: StarterParts<Context>,
): (request: Request) => Promise<boolean> {
  const { definition, database, outbox, onMoved = () => {} } = options;
  const statement = { name: own.name, text: sql.start(own.accept, definition.startEvent) };
  const startAll = async (items: readonly { request: Request; traceparent: string }[]): Promise<boolean[]> => {
    const requests = items.map((item) => item.request);
    const beginnings = requests.map(({ id, context }) => begin(definition, id, asStored(context)));
    const messages = items.flatMap(({ traceparent }, index) =>
      messagesFor(beginnings[index]!, { messageId: null, traceparent }),
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
    for (const { instance } of beginnings) if (begun.has(instance.id)) recent.keep({ instance, messages: new Set() });
    if (begun.size > 0) onMoved([...begun]);
    return requests.map((request) => begun.has(request.id));
  };
  const startOne = createBatcher<{ request: Request; traceparent: string }, boolean>({
    key: (item) => item.request.id,
    one: async (item) => (await startAll([item]))[0]!,
    many: startAll,
  });
  return (request) => startOne({ request, traceparent: outgoingTraceparent() });
}
