/** A corner of the real broker for each test file: names of its own, deleted at the end. */
import { randomBytes } from 'node:crypto';
import { createMessaging, type Message, type Messaging } from '@ballast/messaging';
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
  /** Joins in as another service would: says messages, and notes those of `types` that it hears. */
  peer(types: readonly Message['type'][]): Promise<TestPeer>;
  /** Removes what the namespace's consumers declared. */
  clean(queues: readonly string[]): Promise<void>;
}

/** The rest of the mesh, as one service sees it. */
export interface TestPeer {
  /** Publishes and waits for the broker's confirms. */
  say: (...messages: readonly Message[]) => Promise<void>;
  /** What was heard so far, in the order it came; of one order, if that is given. */
  heard: (orderId?: string) => Message[];
}

/** Opens a connection to the real broker; call `clean` in the file's `after`. */
export async function testBroker(): Promise<TestBroker> {
  const namespace = `test-${randomBytes(5).toString('hex')}`;
  const url = partUrl('AMQP');
  const connection = await connect(url, { timeout: 10_000 });
  const channel: Channel = await connection.createChannel();
  const ownQueues: string[] = [];
  const peers: Messaging[] = [];
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
      ownQueues.push(queue);
    },
    peer: async (types) => {
      const messaging = await createMessaging({ url, name: 'test', namespace });
      const queue = `test.peer-${peers.length}`;
      peers.push(messaging);
      ownQueues.push(queue);
      const heard: Message[] = [];
      await messaging.consume({ queue, types, handle: async (message) => void heard.push(message) });
      return {
        say: async (...messages) => void (await Promise.all(messages.map((message) => messaging.publish(message)))),
        heard: (orderId) =>
          orderId === undefined ? [...heard] : heard.filter((message) => message.correlationId === orderId),
      };
    },
    clean: async (queues) => {
      for (const peer of peers) await peer.close();
      for (const queue of [...queues, ...ownQueues]) {
        for (const end of ['', '.dead', '.retry.250', '.retry.1000', '.retry.4000']) {
          await channel.deleteQueue(`${namespace}.${queue}${end}`);
        }
      }
      await channel.deleteExchange(namespace);
      await channel.deleteExchange(`${namespace}.dead`);
      await connection.close();
    },
  };
}
