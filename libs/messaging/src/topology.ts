/**
 * Exchanges and queues. One topic exchange carries everything, the message's type is the routing key; a consumer has
 * one queue, one dead-letter queue, and a few queues in which a message waits before it is tried again.
 *
 * All are quorum queues with their limits set explicitly, because RabbitMQ 3.10 and 4 differ in the defaults.
 * Dead-lettering is `at-least-once` (which needs `reject-publish`): with the default a message that moves from one
 * queue to another is lost if the broker stops in between.
 */
import type { Channel } from 'amqplib';

/** How long a message waits before its next try, by how often it has been tried; the last applies from there on. */
const retryDelaysMs = [250, 1_000, 4_000] as const;

/** Times a broker hands out a message whose consumer dies or disconnects before it answers. */
const deliveryLimit = 100;

export const exchangeName = (namespace: string): string => namespace;
export const deadExchangeName = (namespace: string): string => `${namespace}.dead`;
export const queueName = (namespace: string, queue: string): string => `${namespace}.${queue}`;
export const deadQueueName = (namespace: string, queue: string): string => `${namespace}.${queue}.dead`;
export const retryQueueName = (namespace: string, queue: string, delayMs: number): string =>
  `${namespace}.${queue}.retry.${delayMs}`;

/** The delay before try number `attempt` + 1, in ms. */
export function retryDelay(attempt: number): number {
  return retryDelaysMs[Math.min(attempt, retryDelaysMs.length) - 1] ?? retryDelaysMs[0];
}

const quorum = { 'x-queue-type': 'quorum' };
/** For queues that nobody consumes by rule: looking at a message and putting it back must not use it up. */
const patient = { 'x-delivery-limit': 1_000_000 };
const safeDeadLetters = { 'x-dead-letter-strategy': 'at-least-once', 'x-overflow': 'reject-publish' };

export async function declareExchanges(channel: Channel, namespace: string): Promise<void> {
  await channel.assertExchange(exchangeName(namespace), 'topic', { durable: true });
  await channel.assertExchange(deadExchangeName(namespace), 'direct', { durable: true });
}

/** Declares a consumer's queues and binds the types it wants. Declaring again what exists changes nothing. */
export async function declareQueue(
  channel: Channel,
  namespace: string,
  queue: string,
  types: readonly string[],
): Promise<void> {
  const name = queueName(namespace, queue);
  const dead = deadQueueName(namespace, queue);
  await channel.assertQueue(dead, { durable: true, arguments: { ...quorum, ...patient } });
  await channel.bindQueue(dead, deadExchangeName(namespace), name);
  await channel.assertQueue(name, {
    durable: true,
    arguments: {
      ...quorum,
      ...safeDeadLetters,
      'x-delivery-limit': deliveryLimit,
      'x-dead-letter-exchange': deadExchangeName(namespace),
      'x-dead-letter-routing-key': name,
    },
  });
  for (const delay of retryDelaysMs) {
    await channel.assertQueue(retryQueueName(namespace, queue, delay), {
      durable: true,
      arguments: {
        ...quorum,
        ...patient,
        ...safeDeadLetters,
        'x-message-ttl': delay,
        'x-dead-letter-exchange': '',
        'x-dead-letter-routing-key': name,
      },
    });
  }
  for (const type of types) await channel.bindQueue(name, exchangeName(namespace), type);
}
