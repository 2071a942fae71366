/** One delivery, from its arrival to an acknowledgement that comes only once the handler's effect is durable. */
import diagnostics from 'node:diagnostics_channel';
import { declareFailPoints, failPoint } from '@ballast/faults';
import type { Channel, ConsumeMessage } from 'amqplib';
import type { Acknowledgements } from './acknowledgements.ts';
import { Terminal } from './errors.ts';
import type { KillSwitchOptions } from './kill-switch.ts';
import { readMessage, type Message } from './message.ts';
import type { Publisher } from './publisher.ts';
import { deadExchangeName, queueName, retryDelay, retryQueueName } from './topology.ts';

export interface ConsumerOptions {
  /** Short name; the broker's is `<namespace>.<queue>`. Replicas share it and compete. */
  queue: string;
  /** Message types to bind. */
  types: readonly string[];
  /** Messages handled at a time. */
  prefetch?: number;
  /** Tries before a message goes to the dead letters, whatever went wrong. */
  maxAttempts?: number;
  /**
   * Makes the message's effect durable, exactly once per message id (see libs/outbox). Resolving acknowledges it;
   * throwing `Terminal` dead-letters it; throwing anything else has it delivered again later.
   */
  handle: (message: Message) => Promise<void>;
  /** When a failing handler is given a rest. */
  killSwitch?: KillSwitchOptions;
}

/** What it takes to deal with a delivery. */
export interface DeliveryContext {
  channel: Channel;
  acknowledgements: Acknowledgements;
  publisher: Publisher;
  namespace: string;
  /** Told of what happened to a message that was not simply handled. */
  report: (event: {
    queue: string;
    outcome: 'retried' | 'dead-lettered' | 'abandoned';
    attempt: number;
    error: unknown;
  }) => void;
}

/** What became of one delivery. */
export type Outcome = 'handled' | 'retried' | 'dead-lettered' | 'abandoned';

declareFailPoints({
  'before-handle': 'a message has been read and nothing is done about it yet; detail: its type',
  'before-ack': 'a message has had its effect and is not acknowledged yet; detail: its type',
});

/** Counted by libs/service; anyone may listen. */
const counts = diagnostics.channel('ballast:count');
/** Each delivery with its time, for whoever watches a lab. */
const consumed = diagnostics.channel('ballast:consumed');

/** Deals with one delivery from start to acknowledgement. Never rejects. */
export async function deliver(
  context: DeliveryContext,
  options: ConsumerOptions,
  delivery: ConsumeMessage,
): Promise<Outcome> {
  context.acknowledgements.delivered(delivery);
  const before = Number(delivery.properties.headers?.['x-attempt'] ?? 0);
  const attempt = (Number.isSafeInteger(before) ? before : 0) + 1;
  let outcome: Outcome = 'handled';
  const began = consumed.hasSubscribers ? performance.now() : 0;
  let message: Message | undefined;
  try {
    try {
      message = readMessage(delivery.content);
      await failPoint('before-handle', message.type);
      await options.handle(message);
      await failPoint('before-ack', message.type);
    } catch (error) {
      outcome = error instanceof Terminal || attempt >= (options.maxAttempts ?? 60) ? 'dead-lettered' : 'retried';
      context.report({ queue: options.queue, outcome, attempt, error });
      await putAside(context, options.queue, delivery, outcome, attempt, error);
    }
    context.acknowledgements.settled(delivery);
  } catch (error) {
    // The broker is gone or refuses: it still has the message and will deliver it again.
    outcome = 'abandoned';
    context.report({ queue: options.queue, outcome, attempt, error });
    giveBackLater(context, delivery);
  }
  if (counts.hasSubscribers) {
    counts.publish({ name: 'messages_consumed_total', labels: { queue: options.queue, outcome } });
  }
  if (began > 0) {
    consumed.publish({
      type: message?.type ?? null,
      traceparent: message?.traceparent,
      handled: outcome === 'handled',
      milliseconds: performance.now() - began,
    });
  }
  return outcome;
}

/** How long an abandoned message rests, in ms: at once it would come, fail and count as delivered again and again. */
const abandonedRestMs = 4_000;

/** While the channel lives the broker waits for an answer and delivers the message to nobody. */
function giveBackLater({ channel, acknowledgements }: DeliveryContext, delivery: ConsumeMessage): void {
  setTimeout(() => {
    acknowledgements.returned(delivery);
    try {
      channel.nack(delivery, false, true);
    } catch (error) {
      // A channel that is closed has given its messages back already.
      if (!(error instanceof Error && error.name === 'IllegalOperationError')) throw error;
    }
  }, abandonedRestMs).unref();
}

/** Confirmed copy to the waiting or the dead-letter queue; only then may the original be acknowledged. */
async function putAside(
  context: DeliveryContext,
  queue: string,
  delivery: ConsumeMessage,
  outcome: 'retried' | 'dead-lettered',
  attempt: number,
  error: unknown,
): Promise<void> {
  const { namespace, publisher } = context;
  const headers = {
    ...delivery.properties.headers,
    'x-attempt': attempt,
    'x-reason': (error instanceof Error ? error.message : String(error)).slice(0, 300),
  };
  const properties = { messageId: delivery.properties.messageId as string, contentType: 'application/json', headers };
  if (outcome === 'dead-lettered') {
    await publisher.publish(deadExchangeName(namespace), queueName(namespace, queue), delivery.content, properties);
  } else {
    await publisher.publish('', retryQueueName(namespace, queue, retryDelay(attempt)), delivery.content, properties);
  }
}
