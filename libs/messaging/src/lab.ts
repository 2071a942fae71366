/** What happens to messages sooner or later, done on purpose in a lab: some cannot be read, some are told twice. */
import { randomUUIDv7 } from 'node:crypto';
import { declareFailPoints, failPoint } from '@ballast/faults';
import type { Options } from 'amqplib';
import type { Message } from './message.ts';

declareFailPoints({ 'before-publish': 'a message is about to be handed to the broker; detail: its type' });

/** On messages that were put among others on purpose; it stays with them into the dead letters. */
export const injectedHeader = 'x-ballast-injected';

/** A message put into a queue, or told again; `queue` is null where its type decides. */
export interface InjectedMessage {
  queue: string | null;
  messageId: string;
  type: string | null;
}

export interface LabMessages {
  /** Publishes in the lab's way: past a fail point, and kept to be told again. */
  publish(message: Message): Promise<void>;
  /** Puts two messages into a queue that nobody can read: bytes that are no JSON, and a type that nobody knows. */
  poison(queue: string): Promise<InjectedMessage[]>;
  /** Tells the messages told last once more, at most a hundred. */
  repeat(): Promise<InjectedMessage[]>;
}

/** Messages kept to be told again. */
const keptMessages = 100;

/** `publish` tells a message to whoever wants it; `put` places bytes in one queue. Both resolve once that is confirmed. */
export function createLabMessages(via: {
  publish: (message: Message) => Promise<void>;
  put: (queue: string, content: Buffer, options: Options.Publish) => Promise<void>;
}): LabMessages {
  const told: Message[] = [];

  const put = async (queue: string, type: string | null, content: string): Promise<InjectedMessage> => {
    const messageId = randomUUIDv7();
    const headers = { [injectedHeader]: true };
    const options = { messageId, contentType: 'application/json', headers, ...(type === null ? {} : { type }) };
    await via.put(queue, Buffer.from(content.replace('$id', messageId)), options);
    return { queue, messageId, type };
  };

  return {
    publish: async (message) => {
      await failPoint('before-publish', message.type);
      await via.publish(message);
      told.push(message);
      if (told.length > keptMessages) told.shift();
    },
    poison: async (queue) => [
      await put(queue, null, '{"id":"$id","type":'),
      await put(queue, 'NobodyKnowsThis', unknown()),
    ],
    repeat: async () => {
      const again = [...told];
      await Promise.all(again.map((message) => via.publish(message)));
      return again.map(({ id, type }) => ({ queue: null, messageId: id, type }));
    },
  };
}

const unknown = (): string =>
  JSON.stringify({
    id: '$id',
    type: 'NobodyKnowsThis',
    version: 1,
    occurredAt: new Date().toISOString(),
    correlationId: randomUUIDv7(),
    causationId: null,
    body: {},
  });
