/** News for whoever runs now: heard by each process, on a queue that goes with its connection. */
import assert from 'node:assert/strict';
import diagnostics from 'node:diagnostics_channel';
import { after, afterEach, before, describe, it } from 'node:test';
import { testBroker, until, type TestBroker } from '@ballast/testing';
import { connect, type ChannelModel } from 'amqplib';
import { createMessage, createMessaging, PublishFailed, type Message, type Messaging } from '../src/index.ts';

const orderId = '0199a2f4-0000-7000-8000-000000000001';
const release = (): Message => createMessage({ type: 'ReleaseStock', correlationId: orderId, body: { orderId } });

interface Ears {
  messaging: Messaging;
  heard: string[];
  listened: number;
  refused: string[];
}

describe('a listener', () => {
  let broker: TestBroker;
  let admin: ChannelModel;
  const open: Messaging[] = [];
  before(async () => {
    broker = await testBroker();
    admin = await connect(broker.url);
  });
  afterEach(async () => {
    for (const messaging of open.splice(0)) await messaging.close();
  });
  after(async () => {
    await admin.close();
    await broker.clean([]);
  });

  async function ears(handle?: (message: Message) => void): Promise<Ears> {
    const made: Ears = { messaging: undefined as never, heard: [], listened: 0, refused: [] };
    made.messaging = await createMessaging({
      url: broker.url,
      name: 'test',
      namespace: broker.namespace,
      onEvent: (event) => {
        if (event.kind === 'message-refused') made.refused.push((event.error as Error).message);
      },
    });
    open.push(made.messaging);
    await made.messaging.listen({
      name: 'news',
      types: ['ReleaseStock'],
      limit: 100,
      handle: (message) => {
        handle?.(message);
        made.heard.push(message.id);
      },
      onListening: () => {
        made.listened += 1;
      },
    });
    return made;
  }
  const publishBytes = async (content: string): Promise<void> => {
    const channel = await admin.createConfirmChannel();
    channel.publish(broker.namespace, 'ReleaseStock', Buffer.from(content));
    await channel.waitForConfirms();
    await channel.close();
  };

  it('hears all of it, as every other one does, in its order', async () => {
    const [one, other] = [await ears(), await ears()];
    const said = Array.from({ length: 50 }, release);
    await Promise.all(said.map((message) => one.messaging.publish(message)));
    await until('all was heard', () => one.heard.length + other.heard.length === 100);
    const ids = said.map(({ id }) => id);
    assert.deepEqual([one.heard, other.heard], [ids, ids]);
    assert.deepEqual([one.listened, other.listened], [1, 1]);
  });

  it('leaves nothing in the broker when its process ends', async () => {
    const [one, other] = [await ears(), await ears()];
    await one.messaging.publish(release());
    await other.messaging.close();
    open.splice(open.indexOf(other.messaging), 1);
    await one.messaging.close();
    open.splice(open.indexOf(one.messaging), 1);
    const teller = await createMessaging({ url: broker.url, name: 'test', namespace: broker.namespace });
    open.push(teller);
    await assert.rejects(
      teller.publish(release()),
      (error: PublishFailed) => error instanceof PublishFailed && /no queue/.test(error.message),
    );
  });

  it('is told when it hears again after its connection was lost, and does', async () => {
    const one = await ears();
    const other = await createMessaging({ url: broker.url, name: 'test', namespace: broker.namespace });
    open.push(other);
    // A queue of the same connection is deleted: the library starts over on a new one.
    assert.equal(one.listened, 1);
    await one.messaging.consume({ queue: 'lost', types: [], handle: async () => {} });
    await (await admin.createChannel()).deleteQueue(`${broker.namespace}.lost`);
    await until('it hears again', () => one.listened === 2);
    await other.publish(release());
    await until('the news', () => one.heard.length === 1);
    const channel = await admin.createChannel();
    for (const end of ['', '.dead', '.retry.250', '.retry.1000', '.retry.4000'])
      await channel.deleteQueue(`${broker.namespace}.lost${end}`);
  });

  it('refuses what nobody can read and what its handler fails at, counts it, and goes on with the next', async () => {
    const counted: unknown[] = [];
    const count = (told: unknown): void => void counted.push((told as { labels: unknown }).labels);
    diagnostics.subscribe('ballast:count', count);
    try {
      const doomed = release();
      const one = await ears((message) => {
        if (message.id === doomed.id) throw new Error('cannot take it');
      });
      await publishBytes('hello');
      await publishBytes('{}');
      await publishBytes(JSON.stringify({ ...release(), body: { orderId: 'none' } }));
      await one.messaging.publish(doomed);
      const good = release();
      await one.messaging.publish(good);
      await until('the good one', () => one.heard.includes(good.id));
      assert.equal(one.refused.length, 4);
      assert.match(one.refused[0]!, /not JSON/);
      assert.match(one.refused[2]!, /ReleaseStock body/);
      assert.equal(one.refused[3], 'cannot take it');
      assert.deepEqual(
        counted,
        ['refused', 'refused', 'refused', 'refused', 'handled'].map((outcome) => ({ queue: 'news', outcome })),
      );
    } finally {
      diagnostics.unsubscribe('ballast:count', count);
    }
  });
});
