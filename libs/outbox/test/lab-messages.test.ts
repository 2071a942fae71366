/** Messages that go wrong on purpose, on the real broker: poison ends as dead letters, a message told again does nothing. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { outboxPoint, type DeadLetters, type LabConsumers, type LabInjected } from '@ballast/contracts';
import { configureFaults, isFailPoint, plantDefect, removeDefect } from '@ballast/faults';
import { createMessage } from '@ballast/messaging';
import { createHttpServer, type App, type BuildContext } from '@ballast/service';
import {
  startApp,
  testBroker,
  testDatabase,
  testIdentity,
  until,
  type RunningApp,
  type TestBroker,
  type TestDatabase,
  type TestIdentity,
} from '@ballast/testing';
import { randomUUIDv7 } from 'node:crypto';
import type { Static } from 'typebox';
import { addOutboxRoutes, connectParts, outboxMigrations, rememberMessages } from '../src/index.ts';

const queue = 'shipping.orders';

describe('messages in a lab', () => {
  let broker: TestBroker;
  let test: TestDatabase;
  let identity: TestIdentity;
  let app: RunningApp;
  /** Effects by order, as a service would have them in its tables. */
  const effects = new Map<string, number>();
  let ship: (orderIds: readonly string[]) => Promise<void>;

  type Config = { INSTANCE: string; POSTGRES_URL: string; AMQP_URL: string; MESSAGING_NAMESPACE: string };
  const build = async ({ config, logger, metrics }: BuildContext<Config>): Promise<App> => {
    const parts = await connectParts({ config, logger, metrics, schema: 'shipping', migrations: [outboxMigrations] });
    const server = await createHttpServer({
      name: 'shipping',
      instance: config.INSTANCE,
      logger,
      metrics,
      checks: parts.checks,
      issuer: identity.url,
    });
    await addOutboxRoutes(server, parts);
    ship = (orderIds) =>
      parts.database.transaction((transaction) =>
        parts.outbox.append(
          transaction,
          orderIds.map((orderId) =>
            createMessage({ type: 'StockCommitted', correlationId: orderId, body: { orderId } }),
          ),
        ),
      );
    return {
      server,
      start: async () => {
        parts.outbox.start();
        await parts.messaging.consume({
          queue,
          types: ['StockCommitted'],
          handle: (message) =>
            parts.database.transaction(async (transaction) => {
              const fresh = await rememberMessages(transaction, queue, [message.id]);
              if (!fresh.has(message.id)) return;
              transaction.afterCommit(() => {
                effects.set(message.correlationId, (effects.get(message.correlationId) ?? 0) + 1);
              });
            }),
        });
      },
      quiesce: async () => parts.quiesce(),
      stop: () => parts.close(),
    };
  };

  before(async () => {
    configureFaults({ labMode: true, faults: '' });
    [broker, test, identity] = await Promise.all([
      testBroker(),
      testDatabase({ schema: 'shipping', sets: [], maxConnections: 5 }),
      testIdentity(),
    ]);
    app = await startApp({
      name: 'shipping',
      config: {
        INSTANCE: 'shipping-1',
        POSTGRES_URL: test.url,
        AMQP_URL: broker.url,
        MESSAGING_NAMESPACE: broker.namespace,
      },
      build,
    });
  });
  after(async () => {
    await app.stop();
    await broker.clean([queue]);
    await identity.close();
    await test.drop();
    configureFaults({ labMode: false, faults: '' });
  });

  const ask = (method: string, path: string, body?: object, roles: ('customer' | 'operator')[] = ['operator']) =>
    fetch(`${app.url}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${identity.token({ roles })}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  const inject = async (path: string, body?: object): Promise<Static<typeof LabInjected>['items']> => {
    const response = await ask('POST', path, body);
    assert.equal(response.status, 200);
    return ((await response.json()) as Static<typeof LabInjected>).items;
  };
  const orders = (count: number): string[] => Array.from({ length: count }, () => randomUUIDv7());
  /** Delivered after everything that was put into the queue before it; then all that was delivered is waited for. */
  const handleOneMore = async (): Promise<void> => {
    const [orderId] = orders(1);
    await ship([orderId!]);
    await until('the last message', () => effects.has(orderId!));
    await until('nothing is in hand', async () => {
      const { consumers } = (await (await ask('GET', '/lab/consumers')).json()) as Static<typeof LabConsumers>;
      return consumers.every(({ inHand }) => inHand === 0);
    });
  };

  it('are where the contract looks for them: at who has this point', () => {
    assert.ok(isFailPoint(outboxPoint));
  });

  it('become dead letters when nobody can read them, and say that they were put there', async () => {
    const sent = await inject('/lab/messages/poison', { queue });
    assert.deepEqual(
      sent.map((message) => ({ queue: message.queue, type: message.type })),
      [
        { queue, type: null },
        { queue, type: 'NobodyKnowsThis' },
      ],
    );
    const { items } = await until('both are dead letters', async () => {
      const found = (await (await ask('GET', '/dead-letters')).json()) as Static<typeof DeadLetters>;
      return found.items.length >= 2 ? found : undefined;
    });
    assert.deepEqual(
      items
        .map(({ messageId, injected }) => ({ messageId, injected }))
        .toSorted((a, b) => (a.messageId! < b.messageId! ? -1 : 1)),
      sent.map(({ messageId }) => ({ messageId, injected: true })),
    );
    assert.deepEqual(
      new Set(items.map(({ reason }) => reason)),
      new Set(['no message of type NobodyKnowsThis is known', 'the content is not JSON']),
    );
    await handleOneMore();
  });

  it('go into the first queue of a service where none is named, and into none that it does not read', async () => {
    assert.equal((await inject('/lab/messages/poison', {}))[0]?.queue, queue);
    assert.equal((await inject('/lab/messages/poison'))[0]?.queue, queue);
    assert.equal((await ask('POST', '/lab/messages/poison', { queue: 'catalog.commands' })).status, 422);
  });

  it('have no effect when they are told again', async () => {
    const orderIds = orders(20);
    await ship(orderIds);
    await until('all to have their effect', () => orderIds.every((orderId) => effects.has(orderId)));
    const again = await inject('/lab/messages/duplicate');
    assert.ok(again.length >= 20 && again.length <= 100);
    await handleOneMore();
    assert.deepEqual(
      orderIds.map((orderId) => effects.get(orderId)),
      orderIds.map(() => 1),
    );
  });

  it('are noticed by that test: without the inbox they have their effect twice', async () => {
    const orderIds = orders(3);
    await ship(orderIds);
    await until('all to have their effect', () => orderIds.every((orderId) => effects.has(orderId)));
    plantDefect('outbox.no-inbox');
    await inject('/lab/messages/duplicate');
    await until('a second effect', () => orderIds.every((orderId) => effects.get(orderId) === 2));
    removeDefect('outbox.no-inbox');
  });

  it('are told again at most a hundred at a time, the latest', async () => {
    const orderIds = orders(130);
    await ship(orderIds);
    await until('all to have their effect', () => orderIds.every((orderId) => effects.has(orderId)));
    assert.equal((await inject('/lab/messages/duplicate')).length, 100);
  });

  it('are touched by operators only', async () => {
    for (const path of ['/lab/messages/poison', '/lab/messages/duplicate'])
      assert.equal((await ask('POST', path, {}, ['customer'])).status, 403);
  });
});
