/** Messages that were given up: looking at them, and sending them through their queue once more. */
import type { ChannelModel, ConfirmChannel, GetMessage } from 'amqplib';
import { PublishFailed } from './errors.ts';
import { injectedHeader } from './lab.ts';
import { Publisher } from './publisher.ts';
import { deadQueueName, queueName } from './topology.ts';

/** A message in a dead-letter queue. */
export interface DeadLetter {
  queue: string;
  messageId: string | null;
  type: string | null;
  /** Tries before it was given up. */
  attempts: number;
  /** What the last try failed with. */
  reason: string | null;
  /** Put there on purpose, by a lab. */
  injected: boolean;
  /** Parsed where it is JSON, else its text. At most 64 KiB of it. */
  body: unknown;
}

/** Messages looked at by one call. */
const lookLimit = 1_000;
const bodyLimit = 64 * 1024;

/**
 * Up to `limit` dead letters of a queue; they stay where they are. While they are being looked at, another
 * caller does not see them.
 */
export async function listDeadLetters(
  connection: ChannelModel,
  namespace: string,
  queue: string,
  limit: number,
): Promise<{ items: DeadLetter[]; total: number }> {
  return withChannel(connection, async (channel) => {
    const name = deadQueueName(namespace, queue);
    const { messageCount } = await channel.checkQueue(name);
    const items: DeadLetter[] = [];
    while (items.length < limit) {
      const letter = await channel.get(name);
      if (letter === false) break;
      items.push(describe(queue, letter));
    }
    await putBack(channel, name, items.length);
    // Some may have come, or come back, after the count.
    return { items, total: Math.max(messageCount, items.length) };
  });
}

/**
 * Puts dead letters back into their queue with their tries forgotten: those named, or all of them. Each is confirmed by
 * the broker before it is taken from the dead letters, so a crash in between repeats it (consumers know its id).
 */
export async function replayDeadLetters(
  connection: ChannelModel,
  namespace: string,
  queue: string,
  messageIds?: readonly string[],
): Promise<{ replayed: number; left: number }> {
  return withChannel(connection, async (channel) => {
    const publisher = new Publisher(channel, 5_000);
    const dead = deadQueueName(namespace, queue);
    const wanted = messageIds === undefined ? undefined : new Set(messageIds);
    // No further than there were at the start: what is still poison comes back behind them.
    const { messageCount } = await channel.checkQueue(dead);
    let replayed = 0;
    let left = 0;
    for (let looked = 0; looked < Math.min(messageCount, lookLimit); looked += 1) {
      const letter = await channel.get(dead);
      if (letter === false) break;
      const { messageId, headers, contentType } = letter.properties;
      if (wanted !== undefined && !wanted.has(String(messageId))) {
        left += 1;
        continue;
      }
      const { 'x-attempt': _attempt, 'x-reason': _reason, 'x-death': _death, ...kept } = headers ?? {};
      const replays = Number(headers?.['x-replays'] ?? 0) + 1;
      await publisher.publish('', queueName(namespace, queue), letter.content, {
        ...(messageId === undefined ? {} : { messageId: String(messageId) }),
        contentType: String(contentType ?? 'application/json'),
        headers: { ...kept, 'x-replays': replays },
      });
      channel.ack(letter);
      replayed += 1;
    }
    return { replayed, left: await putBack(channel, dead, left) };
  });
}

/**
 * Gives back the letters that were only looked at, and answers how many lie there then. It takes the queue a moment, in
 * which the next caller would find it empty: that is waited for.
 */
async function putBack(channel: ConfirmChannel, name: string, letters: number): Promise<number> {
  channel.nackAll(true);
  for (let looks = 0; ; looks += 1) {
    const { messageCount } = await channel.checkQueue(name);
    if (messageCount >= letters || looks === 50) return messageCount;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** How long looking or replaying may take, in ms; a frozen broker would keep it waiting until the heartbeat notices. */
const patienceMs = 5_000;

/**
 * Closing a channel puts back the messages that were only looked at. Whatever goes wrong is a `PublishFailed`: the broker
 * is away, and trying again may help.
 */
async function withChannel<Result>(
  connection: ChannelModel,
  work: (channel: ConfirmChannel) => Promise<Result>,
): Promise<Result> {
  const patience = Promise.withResolvers<never>();
  const timer = setTimeout(() => patience.reject(new PublishFailed('the broker does not answer')), patienceMs);
  const working = (async () => {
    const channel = await connection.createConfirmChannel();
    // Its loss rejects whatever is being waited for; an error event nobody listens to would end the process.
    channel.on('error', () => {});
    const result = await work(channel).catch(async (error: unknown) => {
      // What it held goes back with it; where it cannot be closed it is gone already, and with it what it held.
      await Promise.allSettled([channel.close()]);
      throw error;
    });
    await channel.close();
    return result;
  })();
  try {
    return await Promise.race([working, patience.promise]);
  } catch (error) {
    if (error instanceof PublishFailed) throw error;
    throw new PublishFailed('the broker broke off', { cause: error });
  } finally {
    clearTimeout(timer);
  }
}

function describe(queue: string, { content, properties }: GetMessage): DeadLetter {
  const text = content.subarray(0, bodyLimit).toString();
  let body: unknown = text;
  try {
    body = JSON.parse(text);
  } catch (error) {
    // What is no JSON is shown as it is: that is probably why it lies here.
    if (!(error instanceof SyntaxError)) throw error;
  }
  const type = typeof body === 'object' && body !== null && 'type' in body ? body.type : properties.type;
  const headers = properties.headers ?? {};
  return {
    queue,
    messageId: properties.messageId === undefined ? null : String(properties.messageId),
    type: typeof type === 'string' ? type : null,
    attempts: Number(headers['x-attempt'] ?? 0),
    injected: headers[injectedHeader] === true,
    reason: typeof headers['x-reason'] === 'string' ? headers['x-reason'] : null,
    body,
  };
}
