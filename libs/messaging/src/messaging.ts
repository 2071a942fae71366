/** The connection: keeps itself up, declares the topology on every (re)connect, and hands out publish and consume. */
import { faultsEnabled } from '@ballast/faults';
import { runInTrace } from '@ballast/service/trace';
import { connect, type Channel, type ChannelModel, type RecoveringChannelModel } from 'amqplib';
import { Acknowledgements } from './acknowledgements.ts';
import { gatherWrites } from './cork.ts';
import { deliver, type ConsumerOptions } from './consumer.ts';
import { listDeadLetters, replayDeadLetters, type DeadLetter } from './dead-letters.ts';
import { PublishFailed } from './errors.ts';
import { KillSwitch } from './kill-switch.ts';
import { createLabMessages, type LabMessages } from './lab.ts';
import { listen, type ListenerOptions } from './listener.ts';
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
  | { kind: 'disconnected'; error: unknown }
  | { kind: 'blocked'; reason: string }
  | { kind: 'message-set-aside'; queue: string; outcome: string; attempt: number; error: unknown }
  /** A listener got what nobody can read, or failed at it; the message is gone. */
  | { kind: 'message-refused'; queue: string; error: unknown }
  /** The kill switch of a consumer: its handler kept failing, it rests for `restMs`; or it begins again. */
  | { kind: 'consumer-tripped'; queue: string; restMs: number }
  | { kind: 'consumer-restarted'; queue: string };

/** A consumer as it is now. */
export interface ConsumerState {
  queue: string;
  /** `tripped`: resting after repeated failures, until `restartsAt`. */
  state: 'running' | 'tripped' | 'disconnected';
  restartsAt: Date | null;
  trips: number;
  /** Messages being handled. */
  inHand: number;
}

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

interface Consumer {
  options: ConsumerOptions;
  channel: Channel | undefined;
  acknowledgements: Acknowledgements | undefined;
  consumerTag: string | undefined;
  /** Takes messages from the channel; made with it. */
  begin: (() => Promise<void>) | undefined;
  /** The broker was asked how many messages wait, and has not answered yet. */
  depth: Promise<number> | undefined;
  inHand: Set<Promise<void>>;
  stopped: boolean;
  killSwitch: KillSwitch;
  /** While it rests. */
  resting: { timer: NodeJS.Timeout; until: Date } | undefined;
}

const defaultPrefetch = 256;

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

  const startConsumer = async (connection: ChannelModel, via: Publisher, consumer: Consumer): Promise<void> => {
    const { queue, types, prefetch = defaultPrefetch } = consumer.options;
    const channel = await connection.createChannel();
    watch(connection, channel);
    await declareQueue(channel, namespace, queue, types);
    await channel.prefetch(prefetch);
    const acknowledgements = new Acknowledgements(channel);
    consumer.acknowledgements = acknowledgements;
    const target = {
      channel,
      acknowledgements,
      publisher: via,
      namespace,
      report: (event: { queue: string; outcome: string; attempt: number; error: unknown }) =>
        report({ kind: 'message-set-aside', ...event }),
    };
    consumer.channel = channel;
    consumer.consumerTag = undefined;
    consumer.begin = async () => {
      const { consumerTag } = await channel.consume(queueName(namespace, queue), (delivery) => {
        // null: the broker cancelled us (the queue was deleted); a new connection declares it again.
        if (delivery === null) return reconnect(connection);
        const done = deliver(target, consumer.options, delivery)
          .then((outcome) => {
            // What was in hand when it stopped fails as well, and says nothing new.
            if (consumer.resting !== undefined || consumer.stopped) return;
            if (consumer.killSwitch.note(outcome === 'retried', performance.now())) trip(consumer);
          })
          .finally(() => consumer.inHand.delete(done));
        consumer.inHand.add(done);
      });
      consumer.consumerTag = consumerTag;
      // Stopped while it was being started again: `stop` knew only the channel before.
      if (consumer.stopped) await cancel(consumer);
    };
    if (consumer.resting === undefined) await consumer.begin();
  };

  const startListener = async (connection: ChannelModel, listener: ListenerOptions): Promise<void> => {
    const channel = await connection.createChannel();
    watch(connection, channel);
    await listen(
      {
        channel,
        namespace,
        report: (error) => report({ kind: 'message-refused', queue: listener.name, error }),
        onCancelled: () => reconnect(connection),
      },
      listener,
    );
  };

  /** Its handler keeps failing: what waits in the queue is left there for a while. */
  const trip = (consumer: Consumer): void => {
    const { queue } = consumer.options;
    const { restMs } = consumer.killSwitch.options;
    const timer = setTimeout(() => {
      consumer.resting = undefined;
      consumer.killSwitch.forget();
      report({ kind: 'consumer-restarted', queue });
      // Where the connection is gone the next one starts it with all others.
      if (consumer.stopped || current === undefined) return;
      const connected = current;
      consumer.begin?.().catch((error: unknown) => {
        report({ kind: 'disconnected', error });
        if (current === connected) reconnect(connected);
      });
    }, restMs);
    consumer.resting = { timer, until: new Date(Date.now() + restMs) };
    report({ kind: 'consumer-tripped', queue, restMs });
    cancel(consumer).catch((error: unknown) => report({ kind: 'disconnected', error }));
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
    for (const consumer of consumers) if (!consumer.stopped) await startConsumer(connection, made, consumer);
    for (const listener of listeners) await startListener(connection, listener);
    // Before it counts as the current one nobody would have started over.
    if (broken.has(connection)) throw new Error('a channel closed while the connection was being set up');
    publisher = made;
    current = connection;
    // Whose rest ended meanwhile found no connection to begin on.
    for (const consumer of consumers)
      if (!consumer.stopped && consumer.resting === undefined && consumer.consumerTag === undefined)
        await consumer.begin?.();
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
      const consumer: Consumer = {
        options: {
          ...consumerOptions,
          handle: (message) => runInTrace(message.traceparent, () => consumerOptions.handle(message)),
        },
        channel: undefined,
        acknowledgements: undefined,
        consumerTag: undefined,
        begin: undefined,
        depth: undefined,
        inHand: new Set(),
        stopped: false,
        killSwitch: new KillSwitch(consumerOptions.killSwitch),
        resting: undefined,
      };
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
          consumer.stopped = true;
          consumers.delete(consumer);
          clearTimeout(consumer.resting?.timer);
          await cancel(consumer);
          await Promise.all(consumer.inHand);
          consumer.acknowledgements?.flush();
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
      const queues = [...consumers].map(async (consumer): Promise<[string, number]> => {
        const { queue } = consumer.options;
        return [queue, await depthOf(consumer, queueName(namespace, queue))];
      });
      return new Map(await Promise.all(queues));
    },
    consumers: () =>
      [...consumers].map(({ options: { queue }, resting, killSwitch, inHand }) => ({
        queue,
        state: resting !== undefined ? 'tripped' : current === undefined ? 'disconnected' : 'running',
        restartsAt: resting?.until ?? null,
        trips: killSwitch.trips,
        inHand: inHand.size,
      })),
    deadLetters: async (limit) => {
      const found = await Promise.all(
        [...consumers].map(({ options: { queue } }) => listDeadLetters(connected(), namespace, queue, limit)),
      );
      return {
        items: found.flatMap(({ items }) => items),
        total: found.reduce((sum, { total }) => sum + total, 0),
      };
    },
    replayDeadLetters: async (messageIds) => {
      const done = await Promise.all(
        [...consumers].map(({ options: { queue } }) => replayDeadLetters(connected(), namespace, queue, messageIds)),
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

/** One question at a time: a broker that stands still is not asked again and again. */
async function depthOf(consumer: Consumer, queue: string): Promise<number> {
  const { channel } = consumer;
  if (channel === undefined) throw new PublishFailed('not connected');
  const ask = async (): Promise<number> => (await channel.checkQueue(queue)).messageCount;
  consumer.depth ??= ask().finally(() => {
    consumer.depth = undefined;
  });
  return await consumer.depth;
}

async function cancel(consumer: Consumer): Promise<void> {
  const { channel, consumerTag } = consumer;
  if (channel === undefined || consumerTag === undefined) return;
  consumer.consumerTag = undefined;
  try {
    await channel.cancel(consumerTag);
  } catch (error) {
    // A channel that is closed already, or closes now, delivers nothing more, which is what was asked for.
    const closed =
      error instanceof Error &&
      (error.name === 'IllegalOperationError' || /^Channel (ended|closed)/.test(error.message));
    if (!closed) throw error;
  }
}

/** The address with a heartbeat, unless it names one itself. */
function withHeartbeat(address: string, seconds: number): string {
  const url = new URL(address);
  if (!url.searchParams.has('heartbeat')) url.searchParams.set('heartbeat', String(seconds));
  return url.href;
}
