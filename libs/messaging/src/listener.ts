/**
 * News that only matters to processes that run now: each process hears all of it, on a queue of its own that goes with the
 * connection. Nothing is acknowledged, tried again or put aside. What was said while a process was not connected it has
 * missed; `onListening` tells it when that may have happened, so that it can ask, or tell its own.
 */
import diagnostics from 'node:diagnostics_channel';
import { randomUUID } from 'node:crypto';
import type { Channel, ConsumeMessage } from 'amqplib';
import { readMessage, type Message } from './message.ts';
import { exchangeName, queueName } from './topology.ts';

export interface ListenerOptions {
  /** Short name; the broker's is `<namespace>.<name>.<something new>` with every connection. */
  name: string;
  /** Message types to bind. */
  types: readonly string[];
  /** Messages that wait for this process in the broker; of more the oldest are dropped, without a word. */
  limit: number;
  /** Takes a message; must not wait, and what it throws is only reported. */
  handle: (message: Message) => void;
  /** It hears, and can be heard: at the start, and after every lost connection. A first message may come a moment before. */
  onListening?: () => void;
}

/** What a listener needs of the connection it lives on. */
export interface ListenerConnection {
  channel: Channel;
  namespace: string;
  /** Told of a message that could not be read or handled. */
  report: (error: unknown) => void;
  /** The broker has cancelled it. */
  onCancelled: () => void;
}

/** Counted by libs/service; anyone may listen. */
const counts = diagnostics.channel('ballast:count');

/** Declares the queue and takes from it for as long as the channel lives. */
export async function listen(connection: ListenerConnection, options: ListenerOptions): Promise<void> {
  const { channel, namespace, onCancelled } = connection;
  // A new name each time: the broker may not know yet that the connection before is gone, and keeps its queue for it.
  const queue = `${queueName(namespace, options.name)}.${randomUUID()}`;
  await channel.assertQueue(queue, {
    exclusive: true,
    autoDelete: true,
    durable: false,
    arguments: { 'x-queue-type': 'classic', 'x-max-length': options.limit, 'x-overflow': 'drop-head' },
  });
  for (const type of options.types) await channel.bindQueue(queue, exchangeName(namespace), type);
  const take = (delivery: ConsumeMessage | null): void => {
    if (delivery === null) return onCancelled();
    const outcome = hear(connection, options, delivery);
    if (counts.hasSubscribers) {
      counts.publish({ name: 'messages_consumed_total', labels: { queue: options.name, outcome } });
    }
  };
  await channel.consume(queue, take, { noAck: true, exclusive: true });
}

function hear(
  { report }: ListenerConnection,
  { handle }: ListenerOptions,
  { content }: ConsumeMessage,
): 'handled' | 'refused' {
  try {
    handle(readMessage(content));
    return 'handled';
  } catch (error) {
    report(error);
    return 'refused';
  }
}
