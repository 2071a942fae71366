/** The way to RabbitMQ. It may not be there when the gateway starts, nor ever: devices are let in all the same. */
import { createMessage, createMessaging, PublishFailed, type Message, type Messaging } from '@ballast/messaging';
import type { DeviceEvents, DeviceSessions, DeviceTelemetry, GatewayCounted } from '@ballast/contracts';

/** What gateways tell, by the type of the event. */
export interface Told {
  GatewayCounted: GatewayCounted;
  DeviceEvents: DeviceEvents;
  DeviceTelemetry: DeviceTelemetry;
  DeviceSessions: DeviceSessions;
}

export interface Broker {
  /** An event in its envelope. What is sent more than once keeps its id. */
  envelope<Type extends keyof Told>(type: Type, body: Told[Type]): Message;
  /** Resolves when the broker has the message in a queue; rejects with `PublishFailed`. */
  publish(message: Message): Promise<void>;
  /** Resolves within half a second, also where the broker does not answer. */
  close(): Promise<void>;
}

/** Messages of other processes that wait for this one, at most; only one that stands still for long has so many. */
const newsLimit = 10_000;
const closeMs = 500;
const againMs = 1_000;
/** How long what is said waits for the first connection, in ms. */
const firstMs = 2_500;

/** Connects for as long as it takes; `onError` is told each time it did not. */
export function createBroker(options: {
  url: string;
  name: string;
  namespace: string;
  /** Correlation id of everything that is said. */
  epoch: string;
  /** Told of sessions that have begun at other processes. */
  onSessions: (items: DeviceSessions['items']) => void;
  /** Other processes are heard from now on; what they said before is lost, at the start and after each lost connection. */
  onListening: () => void;
  onError: (what: string, error: unknown) => void;
}): Broker {
  const { url, name, namespace, epoch, onSessions, onListening, onError } = options;
  let messaging: Messaging | undefined;
  let closed = false;

  /** Hears the other processes, on a queue of its own; answers whether that could be had. */
  const listen = async (to: Messaging): Promise<boolean> => {
    try {
      await to.listen({
        name: 'tcp-gateway.sessions',
        types: ['DeviceSessions'],
        limit: newsLimit,
        handle: ({ type, body }) => {
          // The library has held it against the contract of its type, though its own types speak of orders only.
          if ((type as string) !== 'DeviceSessions') throw new Error(`${type} is nothing for gateways`);
          const told = body as unknown as DeviceSessions;
          if (told.epoch !== epoch) onSessions(told.items);
        },
        onListening,
      });
      return true;
    } catch (error) {
      if (!closed) onError('other gateways cannot be heard', error);
      return false;
    }
  };
  const listenLater = async (to: Messaging): Promise<void> => {
    do await new Promise((resolve) => setTimeout(resolve, againMs).unref());
    while (!closed && !(await listen(to)));
  };
  const connect = async (): Promise<void> => {
    while (!closed) {
      try {
        const made = await createMessaging({
          url,
          name,
          namespace,
          onEvent: (event) => {
            if (event.kind === 'disconnected') onError('the broker is away', event.error);
            if (event.kind === 'blocked') onError('the broker takes nothing', new Error(event.reason));
            if (event.kind === 'message-refused') onError('what was heard of other gateways is no good', event.error);
          },
        });
        // Before anything is said: what nobody listens to comes back, and here this process itself always does.
        const listens = await listen(made);
        // Too late: whoever wanted it has gone.
        if (closed) return await made.close();
        if (!listens) void listenLater(made);
        messaging = made;
        return;
      } catch (error) {
        onError('the broker cannot be reached', error);
        await new Promise((resolve) => setTimeout(resolve, againMs).unref());
      }
    }
  };
  const first = connect();
  /** What is said before the first connection waits for it a while; afterwards a lost one is an error at once. */
  const connected = async (): Promise<Messaging> => {
    if (messaging !== undefined) return messaging;
    let timer: NodeJS.Timeout | undefined;
    const impatience = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, firstMs).unref();
    });
    await Promise.race([first, impatience]);
    clearTimeout(timer);
    // Another task has set it meanwhile.
    const made = messaging as Messaging | undefined;
    if (made === undefined) throw new PublishFailed('not connected yet');
    return made;
  };

  return {
    // An envelope is an envelope; the types of libs/messaging speak of messages about orders only.
    envelope: (type, body) =>
      createMessage({ type, correlationId: epoch, body } as unknown as Parameters<typeof createMessage>[0]),
    publish: async (message) => (await connected()).publish(message),
    close: async () => {
      closed = true;
      if (messaging === undefined) return;
      let timer: NodeJS.Timeout | undefined;
      const impatience = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, closeMs);
      });
      const closing = messaging.close().catch((error: unknown) => onError('the broker is away', error));
      await Promise.race([closing, impatience]);
      clearTimeout(timer);
    },
  };
}
