/** The connection: keeps itself up, declares the topology on every (re)connect, and hands out publish and consume. */
import { faultsEnabled } from '@ballast/faults';
import { connect, type Channel, type ChannelModel, type RecoveringChannelModel } from 'amqplib';
import { gatherWrites } from './cork.ts';
import { Consumer, type ConsumerEvent, type ConsumerState } from './consumer.ts';
import { listDeadLetters, replayDeadLetters, type DeadLetter } from './dead-letters.ts';
import type { ConsumerOptions } from './delivery.ts';
import { PublishFailed } from './errors.ts';
import { createLabMessages, type LabMessages } from './lab.ts';
import { listen, type ListenerOptions } from './listener.ts';
import type { Message } from './message.ts';
import { Publisher } from './publisher.ts';
import { declareExchanges, exchangeName, queueName } from './topology.ts';

export interface MessagingOptions {
  /** `amqp://user:password@host:port` */
  url: string;
  /** Shown in the broker's list of connections. */
  name: string;
  /** Prefix of every exchange and queue; tests use one of their own. */
  namespace?: string;
  /** How long a publish waits for its confirm, in ms. Under a memory alarm confirms never come. */
  confirmTimeoutMs?: number;
  /**
   * Seconds between signs of life, both ways; a connection silent for two to three times as long counts as lost. The
   * broker's own default of 60 would leave consumers deaf for minutes behind a link that swallows everything.
   */
  heartbeatSeconds?: number;
  /** Told of connection trouble and of messages put aside. */
  onEvent?: (event: MessagingEvent) => void;
}

export type MessagingEvent =
  | { kind: 'connected' }
  | { kind: 'blocked'; reason: string }
  | ConsumerEvent
  /** A listener got what nobody can read, or failed at it; the message is gone. */
  | { kind: 'message-refused'; queue: string; error: unknown };

export interface ConsumerHandle {
  /** Takes no more messages; resolves when those in hand are done. */
  stop(): Promise<void>;
}

export interface Messaging {
  /** Resolves once the broker has the message in a queue. Rejects with `PublishFailed`: it may still have arrived. */
  publish(message: Message): Promise<void>;
  /** Starts consuming, now and after every reconnect. */
  consume(options: ConsumerOptions): Promise<ConsumerHandle>;
  /** Hears news from now on, on a queue that lives with the connection; see `listener.ts` for what that does not promise. */
  listen(options: ListenerOptions): Promise<void>;
  /** Messages that wait in the broker for a consumer started here, by queue; what consumers have in hand is not counted. */
  depths(): Promise<Map<string, number>>;
  /** Every consumer started here. */
  consumers(): ConsumerState[];
  /** Dead letters of all consumers' queues, at most `limit` of each queue. */
  deadLetters(limit: number): Promise<{ items: DeadLetter[]; total: number }>;
  /** Sends dead letters through their queues once more: those named, or all. */
  replayDeadLetters(messageIds?: readonly string[]): Promise<{ replayed: number; left: number }>;
  /** For labs: messages that nobody can read, and messages told again. */
  lab: Pick<LabMessages, 'poison' | 'repeat'>;
  /** Rejects when the broker cannot be used: not connected, or blocking publishers. */
  ping(): Promise<void>;
  close(): Promise<void>;
}

/** Connects. At the start a broker that is not there is tried twenty times, over about half a minute; later for ever. */
export async function createMessaging(options: MessagingOptions): Promise<Messaging> {
  const namespace = options.namespace ?? 'ballast';
  const report = options.onEvent ?? (() => {});
  const consumers = new Set<Consumer>();
  const listeners: ListenerOptions[] = [];
  let publisher: Publisher | undefined;
  let blocked: string | undefined;
  let current: ChannelModel | undefined;
  let closing = false;
  /** Connections of which a channel is gone. */
  const broken = new WeakSet<ChannelModel>();

  const reconnect = (connection: ChannelModel): void => {
    connection.close().catch((error: unknown) => report({ kind: 'disconnected', error }));
  };

  /** A channel that the broker closes on a connection that lives on would be missed silently: start over instead. */
  const watch = (connection: ChannelModel, channel: Channel): void => {
    channel.on('error', (error) => report({ kind: 'disconnected', error }));
    channel.on('close', () => {
      broken.add(connection);
      if (current === connection && !closing) reconnect(connection);
    });
  };

  const open = async (connection: ChannelModel): Promise<Channel> => {
    const channel = await connection.createChannel();
    watch(connection, channel);
    return channel;
  };

  const startConsumer = async (connection: ChannelModel, via: Publisher, consumer: Consumer): Promise<void> =>
    await consumer.start({
      openChannel: async () => await open(connection),
      publisher: via,
      isCurrent: () => current === connection,
      startOver: () => reconnect(connection),
    });

  const startListener = async (connection: ChannelModel, listener: ListenerOptions): Promise<void> => {
    await listen(
      {
        channel: await open(connection),
        namespace,
        report: (error) => report({ kind: 'message-refused', queue: listener.name, error }),
        onCancelled: () => reconnect(connection),
      },
      listener,
    );
  };

  /** The connection as it is; dead letters cannot wait for another. */
  const connected = (): ChannelModel => {
    if (current === undefined) throw new PublishFailed('not connected');
    return current;
  };

  const setUp = async (connection: ChannelModel): Promise<void> => {
    connection.on('error', (error: unknown) => report({ kind: 'disconnected', error }));
    blocked = undefined;
    gatherWrites(connection);
    const confirmChannel = await connection.createConfirmChannel();
    watch(connection, confirmChannel);
    await declareExchanges(confirmChannel, namespace);
    const made = new Publisher(confirmChannel, options.confirmTimeoutMs ?? 5_000);
    for (const consumer of consumers) await startConsumer(connection, made, consumer);
    for (const listener of listeners) await startListener(connection, listener);
    // Before it counts as the current one nobody would have started over.
    if (broken.has(connection)) throw new Error('a channel closed while the connection was being set up');
    publisher = made;
    current = connection;
    for (const consumer of consumers) await consumer.resume();
    for (const listener of listeners) listener.onListening?.();
  };

  const connection: RecoveringChannelModel = await connect(withHeartbeat(options.url, options.heartbeatSeconds ?? 5), {
    timeout: 3_000,
    keepAlive: true,
    keepAliveDelay: 5_000,
    noDelay: true,
    clientProperties: { connection_name: options.name },
    recovery: { initialDelay: 100, maxDelay: 2_000, jitter: 0.3, initialMaxRetries: 20, setup: setUp },
  });
  connection.on('error', () => {
    // Always followed by 'disconnect', which is reported.
  });
  connection.on('connect', () => report({ kind: 'connected' }));
  connection.on('disconnect', (error) => {
    publisher?.close('the connection to the broker was lost');
    publisher = undefined;
    current = undefined;
    report({ kind: 'disconnected', error });
  });
  connection.on('connect-failed', (error) => report({ kind: 'disconnected', error }));
  connection.on('blocked', (reason) => {
    blocked = reason;
    report({ kind: 'blocked', reason });
  });
  connection.on('unblocked', () => {
    blocked = undefined;
  });

  const send: Publisher['publish'] = (exchange, routingKey, content, properties) => {
    if (publisher === undefined) return Promise.reject(new PublishFailed('not connected'));
    // What is sent now waits in memory and arrives once the alarm is over, however often it was sent meanwhile.
    if (blocked !== undefined) return Promise.reject(new PublishFailed(`the broker blocks publishers: ${blocked}`));
    return publisher.publish(exchange, routingKey, content, properties);
  };
  const publish = (message: Message): Promise<void> =>
    send(exchangeName(namespace), message.type, Buffer.from(JSON.stringify(message)), {
      messageId: message.id,
      type: message.type,
      correlationId: message.correlationId,
      contentType: 'application/json',
    });
  const lab = createLabMessages({
    publish,
    put: (queue, content, properties) => send('', queueName(namespace, queue), content, properties),
  });

  return {
    publish: (message) => (faultsEnabled() ? lab.publish(message) : publish(message)),
    lab,
    consume: async (consumerOptions) => {
      const consumer = new Consumer(consumerOptions, { namespace, report });
      consumers.add(consumer);
      const here = current;
      if (here !== undefined && publisher !== undefined) {
        try {
          await startConsumer(here, publisher, consumer);
        } catch (error) {
          // Lost in the middle of it: the next connection starts this consumer with all others.
          if (current === here) {
            consumers.delete(consumer);
            throw error;
          }
        }
      }
      return {
        stop: async () => {
          consumers.delete(consumer);
          await consumer.stop();
        },
      };
    },
    listen: async (listener) => {
      listeners.push(listener);
      const here = current;
      if (here === undefined) return;
      try {
        await startListener(here, listener);
        listener.onListening?.();
      } catch (error) {
        // Lost in the middle of it: the next connection starts this listener with all others.
        if (current === here) {
          listeners.splice(listeners.indexOf(listener), 1);
          throw error;
        }
      }
    },
    depths: async () => {
      connected();
      const depths = [...consumers].map(async (consumer): Promise<[string, number]> => [
        consumer.queue,
        await consumer.depth(),
      ]);
      return new Map(await Promise.all(depths));
    },
    consumers: () => [...consumers].map((consumer) => consumer.state(current !== undefined)),
    deadLetters: async (limit) => {
      const found = await Promise.all(
        [...consumers].map(({ queue }) => listDeadLetters(connected(), namespace, queue, limit)),
      );
      return {
        items: found.flatMap(({ items }) => items),
        total: found.reduce((sum, { total }) => sum + total, 0),
      };
    },
    replayDeadLetters: async (messageIds) => {
      const done = await Promise.all(
        [...consumers].map(({ queue }) => replayDeadLetters(connected(), namespace, queue, messageIds)),
      );
      return {
        replayed: done.reduce((sum, { replayed }) => sum + replayed, 0),
        left: done.reduce((sum, { left }) => sum + left, 0),
      };
    },
    ping: async () => {
      if (publisher === undefined) throw new PublishFailed('not connected');
      if (blocked !== undefined) throw new PublishFailed(`the broker blocks publishers: ${blocked}`);
    },
    close: async () => {
      closing = true;
      await connection.close();
    },
  };
}

/** The address with a heartbeat, unless it names one itself. */
function withHeartbeat(address: string, seconds: number): string {
  const url = new URL(address);
  if (!url.searchParams.has('heartbeat')) url.searchParams.set('heartbeat', String(seconds));
  return url.href;
}
