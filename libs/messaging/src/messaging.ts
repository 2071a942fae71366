/** The connection: keeps itself up, declares the topology on every (re)connect, and hands out publish and consume. */
import { runInTrace } from '@ballast/service/trace';
import { connect, type Channel, type ChannelModel, type RecoveringChannelModel } from 'amqplib';
import { deliver, type ConsumerOptions } from './consumer.ts';
import { PublishFailed } from './errors.ts';
import type { Message } from './message.ts';
import { Publisher } from './publisher.ts';
import { declareExchanges, declareQueue, exchangeName, queueName } from './topology.ts';

export interface MessagingOptions {
  /** `amqp://user:password@host:port` */
  url: string;
  /** Shown in the broker's list of connections. */
  name: string;
  /** Prefix of every exchange and queue; tests use one of their own. */
  namespace?: string;
  /** How long a publish waits for its confirm, in ms. Under a memory alarm confirms never come. */
  confirmTimeoutMs?: number;
  /** Told of connection trouble and of messages put aside. */
  onEvent?: (event: MessagingEvent) => void;
}

export type MessagingEvent =
  | { kind: 'connected' }
  | { kind: 'disconnected'; error: unknown }
  | { kind: 'blocked'; reason: string }
  | { kind: 'message-set-aside'; queue: string; outcome: string; attempt: number; error: unknown };

export interface ConsumerHandle {
  /** Takes no more messages; resolves when those in hand are done. */
  stop(): Promise<void>;
}

export interface Messaging {
  /** Resolves once the broker has the message in a queue. Rejects with `PublishFailed`: it may still have arrived. */
  publish(message: Message): Promise<void>;
  /** Starts consuming, now and after every reconnect. */
  consume(options: ConsumerOptions): Promise<ConsumerHandle>;
  /** Rejects when the broker cannot be used: not connected, or blocking publishers. */
  ping(): Promise<void>;
  close(): Promise<void>;
}

interface Consumer {
  options: ConsumerOptions;
  channel: Channel | undefined;
  consumerTag: string | undefined;
  inHand: Set<Promise<void>>;
  stopped: boolean;
}

const defaultPrefetch = 256;

/** Connects. At the start a broker that is not there is tried twenty times, over about half a minute; later for ever. */
export async function createMessaging(options: MessagingOptions): Promise<Messaging> {
  const namespace = options.namespace ?? 'ballast';
  const report = options.onEvent ?? (() => {});
  const consumers = new Set<Consumer>();
  let publisher: Publisher | undefined;
  let blocked: string | undefined;
  let current: ChannelModel | undefined;
  let closing = false;

  const reconnect = (connection: ChannelModel): void => {
    connection.close().catch((error: unknown) => report({ kind: 'disconnected', error }));
  };

  /** A channel that the broker closes on a connection that lives on would be missed silently: start over instead. */
  const watch = (connection: ChannelModel, channel: Channel): void => {
    channel.on('error', (error) => report({ kind: 'disconnected', error }));
    channel.on('close', () => {
      if (current === connection && !closing) reconnect(connection);
    });
  };

  const startConsumer = async (connection: ChannelModel, via: Publisher, consumer: Consumer): Promise<void> => {
    const { queue, types, prefetch = defaultPrefetch } = consumer.options;
    const channel = await connection.createChannel();
    watch(connection, channel);
    await declareQueue(channel, namespace, queue, types);
    await channel.prefetch(prefetch);
    const target = {
      channel,
      publisher: via,
      namespace,
      report: (event: { queue: string; outcome: string; attempt: number; error: unknown }) =>
        report({ kind: 'message-set-aside', ...event }),
    };
    const { consumerTag } = await channel.consume(queueName(namespace, queue), (delivery) => {
      // null: the broker cancelled us (the queue was deleted); a new connection declares it again.
      if (delivery === null) return reconnect(connection);
      const done = deliver(target, consumer.options, delivery).finally(() => consumer.inHand.delete(done));
      consumer.inHand.add(done);
    });
    consumer.channel = channel;
    consumer.consumerTag = consumerTag;
  };

  const setUp = async (connection: ChannelModel): Promise<void> => {
    connection.on('error', (error: unknown) => report({ kind: 'disconnected', error }));
    blocked = undefined;
    const confirmChannel = await connection.createConfirmChannel();
    watch(connection, confirmChannel);
    await declareExchanges(confirmChannel, namespace);
    const made = new Publisher(confirmChannel, options.confirmTimeoutMs ?? 5_000);
    for (const consumer of consumers) if (!consumer.stopped) await startConsumer(connection, made, consumer);
    publisher = made;
    current = connection;
  };

  const connection: RecoveringChannelModel = await connect(options.url, {
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

  return {
    publish: (message) => {
      if (publisher === undefined) return Promise.reject(new PublishFailed('not connected'));
      return publisher.publish(exchangeName(namespace), message.type, Buffer.from(JSON.stringify(message)), {
        messageId: message.id,
        type: message.type,
        correlationId: message.correlationId,
        contentType: 'application/json',
      });
    },
    consume: async (consumerOptions) => {
      const consumer: Consumer = {
        options: {
          ...consumerOptions,
          handle: (message) => runInTrace(message.traceparent, () => consumerOptions.handle(message)),
        },
        channel: undefined,
        consumerTag: undefined,
        inHand: new Set(),
        stopped: false,
      };
      consumers.add(consumer);
      if (current !== undefined && publisher !== undefined) await startConsumer(current, publisher, consumer);
      return {
        stop: async () => {
          consumer.stopped = true;
          consumers.delete(consumer);
          await cancel(consumer);
          await Promise.all(consumer.inHand);
        },
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

async function cancel(consumer: Consumer): Promise<void> {
  if (consumer.channel === undefined || consumer.consumerTag === undefined) return;
  try {
    await consumer.channel.cancel(consumer.consumerTag);
  } catch (error) {
    // A channel that is closed already delivers nothing more, which is what was asked for.
    if (!(error instanceof Error && error.name === 'IllegalOperationError')) throw error;
  }
}
