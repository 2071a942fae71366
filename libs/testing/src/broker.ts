/** A corner of the real broker for each test file: names of its own, deleted at the end. */
import { randomBytes } from 'node:crypto';
import { connect, type Channel, type GetMessage } from 'amqplib';
import { partUrl } from './parts.ts';

export interface TestBroker {
  url: string;
  /** Prefix for `createMessaging`. */
  namespace: string;
  /** Takes everything from a queue, e.g. `messages('catalog.commands.dead')`, and acknowledges it. */
  messages(queue: string): Promise<GetMessage[]>;
  /** Puts bytes into a queue past all checks. */
  inject(queue: string, content: string | Buffer, headers?: Record<string, unknown>): Promise<void>;
  /** Binds a new queue to message types, to listen to what is said. */
  listen(queue: string, types: readonly string[]): Promise<void>;
  /** Removes what the namespace's consumers declared. */
  clean(queues: readonly string[]): Promise<void>;
}

export async function testBroker(): Promise<TestBroker> {
  const namespace = `test-${randomBytes(5).toString('hex')}`;
  const url = partUrl('AMQP');
  const connection = await connect(url);
  const channel: Channel = await connection.createChannel();
  const listening: string[] = [];
  return {
    url,
    namespace,
    messages: async (queue) => {
      const found: GetMessage[] = [];
      for (;;) {
        const message = await channel.get(`${namespace}.${queue}`, { noAck: true });
        if (message === false) return found;
        found.push(message);
      }
    },
    inject: async (queue, content, headers = {}) => {
      const confirming = await connection.createConfirmChannel();
      confirming.sendToQueue(`${namespace}.${queue}`, Buffer.from(content), { persistent: true, headers });
      await confirming.waitForConfirms();
      await confirming.close();
    },
    listen: async (queue, types) => {
      const name = `${namespace}.${queue}`;
      await channel.assertExchange(namespace, 'topic', { durable: true });
      await channel.assertQueue(name, { durable: true, arguments: { 'x-queue-type': 'quorum' } });
      for (const type of types) await channel.bindQueue(name, namespace, type);
      listening.push(name);
    },
    clean: async (queues) => {
      const names = queues.flatMap((queue) =>
        ['', '.dead', '.retry.250', '.retry.1000', '.retry.4000'].map((end) => `${namespace}.${queue}${end}`),
      );
      for (const name of [...names, ...listening]) await channel.deleteQueue(name);
      await channel.deleteExchange(namespace);
      await channel.deleteExchange(`${namespace}.dead`);
      await connection.close();
    },
  };
}
