import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as dial, createServer, type AddressInfo, type Socket } from 'node:net';
import { after, afterEach, before, describe, it } from 'node:test';
import { testBroker, until, type TestBroker } from '@ballast/testing';
import { connect } from 'amqplib';
import {
  createMessage,
  createMessaging,
  PublishFailed,
  Terminal,
  type ConsumerHandle,
  type Message,
  type Messaging,
} from '../src/index.ts';

const orderId = '0199a2f4-0000-7000-8000-000000000001';
const release = () => createMessage({ type: 'ReleaseStock', correlationId: orderId, body: { orderId } });

describe('messaging', () => {
  let broker: TestBroker;
  let messaging: Messaging;
  const consumers: ConsumerHandle[] = [];
  const events: string[] = [];

  before(async () => {
    broker = await testBroker();
    messaging = await createMessaging({
      url: broker.url,
      name: 'test',
      namespace: broker.namespace,
      confirmTimeoutMs: 2_000,
      onEvent: (event) => events.push(event.kind),
    });
  });
  afterEach(async () => {
    await Promise.all(consumers.splice(0).map((consumer) => consumer.stop()));
  });
  after(async () => {
    await messaging.close();
    await broker.clean(['work', 'poison', 'slow', 'waiting', 'stubborn', 'lost', 'crowded', 'unacknowledged', 'deaf']);
  });

  const consume = async (
    queue: string,
    types: readonly string[],
    handle: (message: Message) => Promise<void>,
    maxAttempts?: number,
  ) => {
    const consumer = await messaging.consume({
      queue,
      types,
      handle,
      ...(maxAttempts === undefined ? {} : { maxAttempts }),
    });
    consumers.push(consumer);
    return consumer;
  };

  it('refuses a message that no queue wants, although the broker confirms it', async () => {
    await assert.rejects(
      messaging.publish(release()),
      (error: PublishFailed) => error instanceof PublishFailed && /no queue/.test(error.message),
    );
  });

  it('carries a message whole from sender to handler', async () => {
    const heard: Message[] = [];
    await consume('work', ['ReleaseStock'], async (message) => void heard.push(message));
    const sent = release();
    await messaging.publish(sent);
    await until('the message', () => heard.length === 1);
    assert.deepEqual(heard[0], sent);
  });

  it('delivers again, later, what a handler could not do now', async () => {
    let tries = 0;
    await consume('work', ['ReleaseStock'], async () => {
      tries += 1;
      if (tries < 3) throw new Error('not now');
    });
    await messaging.publish(release());
    await until('the third try', () => tries === 3);
    assert.deepEqual(await broker.messages('work.dead'), []);
  });

  it('gives up after the last try and keeps the message with the reason', async () => {
    const sent = release();
    await consume('stubborn', ['ReleaseStock'], async () => Promise.reject(new Error('never')), 2);
    await messaging.publish(sent);
    const [dead] = await until('the dead letter', async () => {
      const found = await broker.messages('stubborn.dead');
      return found.length > 0 && found;
    });
    assert.deepEqual(JSON.parse(dead!.content.toString()), sent);
    assert.equal(dead!.properties.headers?.['x-reason'], 'never');
    assert.equal(dead!.properties.headers?.['x-attempt'], 2);
  });

  it('puts poison aside at once and goes on with the next', async () => {
    const heard: string[] = [];
    await consume('poison', ['ReleaseStock'], async (message) => {
      if (message.body.orderId !== orderId) throw new Terminal('not an order of ours');
      heard.push(message.id);
    });
    const good = release();
    for (const content of [
      'not json',
      '{}',
      JSON.stringify({ ...good, type: 'Unknown' }),
      JSON.stringify({ ...good, version: 9 }),
      JSON.stringify({ ...good, body: { orderId: 7 } }),
    ]) {
      await broker.inject('poison', content);
    }
    await broker.inject('poison', JSON.stringify({ ...good, body: { orderId: good.id } }));
    await broker.inject('poison', JSON.stringify(good));
    await until('the good one', () => heard.length === 1);
    const deadSoFar: Awaited<ReturnType<TestBroker['messages']>> = [];
    const dead = await until('six dead letters', async () => {
      deadSoFar.push(...(await broker.messages('poison.dead')));
      return deadSoFar.length === 6 && deadSoFar;
    });
    assert.ok(dead.every((message) => typeof message.properties.headers?.['x-reason'] === 'string'));
  });
  it('tells how many messages wait, and does not count those in hand', async () => {
    const released = Promise.withResolvers<void>();
    let inHand = 0;
    const consumer = await messaging.consume({
      queue: 'waiting',
      types: ['ReleaseStock'],
      prefetch: 2,
      handle: async () => {
        inHand += 1;
        await released.promise;
      },
    });
    consumers.push(consumer);
    assert.equal((await messaging.depths()).get('waiting'), 0);
    await Promise.all(Array.from({ length: 7 }, () => messaging.publish(release())));
    await until('two of seven to be in hand', () => inHand === 2);
    await until('five to wait', async () => {
      // Asked twice at once it is one question.
      const [one, other] = await Promise.all([messaging.depths(), messaging.depths()]);
      assert.deepEqual(one, other);
      return one.get('waiting') === 5;
    });
    released.resolve();
    await until('none to wait', async () => (await messaging.depths()).get('waiting') === 0 && inHand === 7);
  });

  it('finishes what it has in hand before it stops', async () => {
    let finish = () => {};
    const started: string[] = [];
    const done: string[] = [];
    const consumer = await consume('slow', ['ReleaseStock'], async (message) => {
      started.push(message.id);
      await new Promise<void>((resolve) => (finish = resolve));
      done.push(message.id);
    });
    await messaging.publish(release());
    await until('the start', () => started.length === 1);
    const stopping = consumer.stop();
    finish();
    await stopping;
    assert.equal(done.length, 1);
    assert.deepEqual(await broker.messages('slow'), []);
  });

  it('gives a message back that it can neither handle nor put aside', async () => {
    let tries = 0;
    await consume('crowded', ['ReleaseStock'], async () => {
      tries += 1;
      if (tries === 1) throw new Error('not now');
    });
    const admin = await connect(broker.url);
    await (await admin.createChannel()).deleteQueue(`${broker.namespace}.crowded.retry.250`);
    await admin.close();
    await broker.inject('crowded', JSON.stringify(release()));
    await until('the second delivery', () => tries === 2);
  });

  it('acknowledges nothing before it is handled: what a lost process had in hand is delivered again', async () => {
    const doomed = await createMessaging({ url: broker.url, name: 'doomed', namespace: broker.namespace });
    let taken = 0;
    let finish = () => {};
    await doomed.consume({
      queue: 'unacknowledged',
      types: ['ReleaseStock'],
      handle: async () => {
        taken += 1;
        await new Promise<void>((resolve) => (finish = resolve));
      },
    });
    await broker.inject('unacknowledged', JSON.stringify(release()));
    await until('it to be in hand', () => taken === 1);
    await doomed.close();
    finish();
    const heard: string[] = [];
    await consume('unacknowledged', ['ReleaseStock'], async (message) => void heard.push(message.id));
    await until('the second delivery', () => heard.length === 1);
  });

  it('notices a connection that has fallen silent, and makes a new one', async () => {
    const { hostname, port } = new URL(broker.url);
    const sockets: Socket[] = [];
    let silent = false;
    // A link that swallows everything without closing, as a lost route does; later connections get through.
    const link = createServer((near) => {
      const swallowing = () => silent && sockets.indexOf(near) === 0;
      sockets.push(near);
      const far = dial(Number(port), hostname);
      near.on('data', (bytes) => swallowing() || far.write(bytes));
      far.on('data', (bytes) => swallowing() || near.write(bytes));
      for (const [one, other] of [
        [near, far],
        [far, near],
      ] as const) {
        one.on('error', () => other.destroy());
        one.on('close', () => other.destroy());
      }
    });
    link.listen(0, '127.0.0.1');
    await once(link, 'listening');
    const url = new URL(broker.url);
    url.port = String((link.address() as AddressInfo).port);
    const remote = await createMessaging({
      url: url.href,
      name: 'deaf',
      namespace: broker.namespace,
      heartbeatSeconds: 1,
    });
    const heard: string[] = [];
    await remote.consume({
      queue: 'deaf',
      types: ['ReleaseStock'],
      handle: async (message) => void heard.push(message.id),
    });
    silent = true;
    await broker.inject('deaf', JSON.stringify(release()));
    await until('the message, over a new connection', () => heard.length === 1);
    await remote.close();
    link.close();
    for (const socket of sockets) socket.destroy();
  });

  it('comes back by itself when the connection is lost, and loses nothing', async () => {
    const heard = new Set<string>();
    await consume('lost', ['ReleaseStock'], async (message) => void heard.add(message.id));
    const sent: string[] = [];
    const send = async () => {
      const message = release();
      await until('a confirm', async () => {
        await messaging.publish(message);
        return true;
      });
      sent.push(message.id);
    };
    await send();
    // The broker cancels a consumer whose queue is deleted; messaging then starts over with a new connection.
    const before = events.filter((event) => event === 'connected').length;
    const admin = await connect(broker.url);
    await (await admin.createChannel()).deleteQueue(`${broker.namespace}.lost`);
    await admin.close();
    await until('the new connection', () => events.filter((event) => event === 'connected').length > before);
    for (let index = 0; index < 20; index += 1) await send();
    await until('all of them', () => sent.every((id) => heard.has(id)));
  });
});
