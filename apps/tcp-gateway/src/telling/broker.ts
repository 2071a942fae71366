/** The way to RabbitMQ. It may not be there when the gateway starts, nor ever: devices are let in all the same. */
import { createMessage, createMessaging, PublishFailed, type Message, type Messaging } from '@ballast/messaging';
import type { DeviceEvents, DeviceTelemetry, GatewayCounted } from '@ballast/contracts';

/** What gateways tell, by the type of the event. */
export interface Told {
  GatewayCounted: GatewayCounted;
  DeviceEvents: DeviceEvents;
  DeviceTelemetry: DeviceTelemetry;
}

export interface Broker {
  /** An event in its envelope. What is sent more than once keeps its id. */
  envelope<Type extends keyof Told>(type: Type, body: Told[Type]): Message;
  /** Resolves when the broker has the message in a queue; rejects with `PublishFailed`. */
  publish(message: Message): Promise<void>;
  /** Resolves within half a second, also where the broker does not answer. */
  close(): Promise<void>;
}

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
  onError: (what: string, error: unknown) => void;
}): Broker {
  const { url, name, namespace, epoch, onError } = options;
  let messaging: Messaging | undefined;
  let closed = false;

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
          },
        });
        // Too late: whoever wanted it has gone.
        if (closed) await made.close();
        else messaging = made;
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
