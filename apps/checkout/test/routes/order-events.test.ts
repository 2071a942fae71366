/** An order as it moves: everything once and in order, also through a broken line and without Redis. */
import assert from 'node:assert/strict';
import { randomUUIDv7 } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import type { Order } from '@ballast/contracts';
import { authentication, bearerVerifier, createHttpServer } from '@ballast/service';
import { partUrl, startApp, testIdentity, until, type RunningApp } from '@ballast/testing';
import type { LiveOrders } from '../../src/clients/live.ts';
import { orderEventRoutes } from '../../src/routes/order-events.ts';
import type { OrderStore } from '../../src/store/orders.ts';
import { openRelay, type Relay } from '../relay.ts';
import { openStream, type Stream } from '../stream.ts';
import { openBench, placed, type Bench, type Person } from '../support.ts';

const seqs = (stream: Stream): number[] => stream.events.map(({ id }) => id);

describe('the stream of an order', () => {
  let bench: Bench;
  let apps: RunningApp[];
  let person: Person;
  before(async () => {
    bench = await openBench();
    apps = await Promise.all([bench.start(), bench.start()]);
    person = bench.person();
  });
  after(() => bench.close());

  const open = (orderId: string, replica = 0, lastEventId?: string): Promise<Stream> =>
    openStream(`${apps[replica]!.url}/orders/${orderId}/events`, person.token, lastEventId);

  it('begins with a snapshot, tells every transition once and in order on both replicas, and ends', async () => {
    const orderId = await placed(apps[0]!, person);
    const streams = await Promise.all([open(orderId, 0), open(orderId, 1)]);
    await Promise.all(streams.map((stream) => stream.reached('Initiated')));
    await bench.complete(orderId);
    await until('both to end', () => streams.every(({ ended }) => ended));
    for (const { events } of streams) {
      assert.deepEqual(
        events.map(({ id, event, data }) => [id, event, data['to'] ?? data['state']]),
        [
          [1, 'snapshot', 'Initiated'],
          [2, 'transition', 'StockReserved'],
          [3, 'transition', 'ReadyForPayment'],
          [4, 'transition', 'PaymentCaptured'],
          [5, 'transition', 'Completed'],
          [5, 'end', 'Completed'],
        ],
      );
      const snapshot = events[0]!.data as unknown as Order;
      assert.equal(snapshot.orderId, orderId);
      assert.equal(snapshot.history.length, 1);
    }
  });

  it('is told to nobody else: the order does not exist for them', async () => {
    const orderId = await placed(apps[0]!, person);
    const url = `${apps[0]!.url}/orders/${orderId}/events`;
    assert.equal((await fetch(url, { headers: { authorization: `Bearer ${bench.person().token}` } })).status, 404);
    const operator = await openStream(url, bench.person('operator').token);
    await operator.reached('Initiated');
    operator.leave();
  });

  it('resumes where it broke off, with what was missed and nothing else', async () => {
    const orderId = await placed(apps[0]!, person);
    const first = await open(orderId);
    await first.reached('Initiated');
    await bench.say(orderId, 'StockReserved');
    await first.reached('StockReserved');
    first.leave();
    await bench.say(orderId, 'PaymentAuthorized');
    await bench.reached(orderId, 'ReadyForPayment');
    const second = await open(orderId, 1, String(seqs(first).at(-1)));
    await second.reached('ReadyForPayment');
    await bench.complete(orderId);
    await until('the end', () => second.ended);
    assert.deepEqual([...seqs(first), ...seqs(second)], [1, 2, 3, 4, 5, 5]);
    assert.deepEqual([...new Set(second.events.map(({ event }) => event))], ['transition', 'end']);
  });

  it('of an order that has ended is one snapshot and the end; resumed at its end, the end alone', async () => {
    const orderId = await placed(apps[0]!, person);
    await bench.complete(orderId);
    for (const [lastEventId, expected] of [
      [undefined, ['snapshot', 'end']],
      ['5', ['end']],
      ['3', ['transition', 'transition', 'end']],
      ['99', ['snapshot', 'end']],
      ['nonsense', ['snapshot', 'end']],
      ['-1', ['snapshot', 'end']],
    ] as const) {
      const stream = await open(orderId, 0, lastEventId);
      await until('the end', () => stream.ended);
      assert.deepEqual(
        stream.events.map(({ event }) => event),
        expected,
        lastEventId ?? 'no id',
      );
    }
  });

  it('loses and doubles nothing for 40 watchers that come and go while 10 orders move', async () => {
    const orders = await Promise.all(Array.from({ length: 10 }, () => placed(apps[0]!, person)));
    const watchers = orders.flatMap((orderId) => [0, 1, 2, 3].map((index) => ({ orderId, index })));
    const watch = async ({ orderId, index }: { orderId: string; index: number }): Promise<number[]> => {
      const seen: number[] = [];
      for (let times = 0; ; times += 1) {
        const stream = await open(orderId, index % 2, seen.length === 0 ? undefined : String(seen.at(-1)));
        // Every second watcher leaves after each transition it sees.
        const before = seen.length;
        await until('news', () => stream.ended || (index < 2 && stream.events.length > 0));
        stream.leave();
        const heard = stream.events.filter(({ event }) => event !== 'end').map(({ id }) => id);
        seen.push(...heard);
        if (stream.events.some(({ event }) => event === 'end') || times > 50) return seen;
        assert.ok(seen.length > before);
      }
    };
    const watched = Promise.all(watchers.map(watch));
    await Promise.all(orders.map((orderId) => bench.complete(orderId)));
    for (const seen of await watched) {
      assert.deepEqual(
        seen,
        Array.from({ length: 6 - seen[0]! }, (_, index) => seen[0]! + index),
        'no gap, no repeat',
      );
    }
  });
});

/** Promised is a second and a half. A busy machine may add some; without that promise nothing would come at all. */
const farTooLateMs = 6_000;

describe('the stream of an order without Redis', () => {
  let bench: Bench;
  let relay: Relay;
  before(async () => {
    bench = await openBench();
    relay = await openRelay(partUrl('REDIS'));
  });
  after(async () => {
    await bench.close();
    await relay.cut();
  });

  /** How long a transition takes from its event to the stream, in ms. */
  const lateness = async (app: RunningApp, other: RunningApp): Promise<number> => {
    const person = bench.person();
    const orderId = await placed(other, person);
    const stream = await openStream(`${app.url}/orders/${orderId}/events`, person.token);
    await stream.reached('Initiated');
    await bench.heard(orderId, 'ReserveStock');
    await bench.say(orderId, 'StockReserved');
    await bench.reached(orderId, 'StockReserved');
    const moved = performance.now();
    await stream.reached('StockReserved');
    const took = performance.now() - moved;
    await bench.complete(orderId);
    await until('the end', () => stream.ended);
    assert.deepEqual(seqs(stream), [1, 2, 3, 4, 5, 5]);
    return took;
  };

  it('that cannot be reached at all is at most a second and a half late', async () => {
    const app = await bench.start({ REDIS_URL: 'redis://127.0.0.1:9' });
    const took = await lateness(app, app);
    assert.ok(took < farTooLateMs, `${took} ms`);
    assert.equal((await fetch(`${app.url}/readyz`)).status, 200);
    await app.stop();
  });

  it('that goes away in the middle is as late, and is used again when it is back', async () => {
    const [app, other] = await Promise.all([bench.start({ REDIS_URL: relay.url }), bench.start()]);
    await lateness(app, other);
    await relay.cut();
    const took = await lateness(app, other);
    assert.ok(took < farTooLateMs, `${took} ms`);
    await relay.restore();
    await until('Redis to be used again', async () => (await lateness(app, other)) < 200);
  });
});

describe('a client that leaves', () => {
  it('frees its stream at once, however often it comes again', async () => {
    const identity = await testIdentity();
    const watching = new Set<() => void>();
    const live = {
      watch: (_orderId: string, moved: () => void) => {
        watching.add(moved);
        return () => void watching.delete(moved);
      },
    } as unknown as LiveOrders;
    const history = [{ seq: 1, from: null, event: 'OrderPlaced', to: 'Initiated', at: new Date().toISOString() }];
    const store = { find: async () => ({ history }), transitionsAfter: async () => [] } as unknown as OrderStore;
    const app = await startApp({
      name: 'checkout',
      config: { INSTANCE: 'checkout-1' },
      build: async ({ logger, metrics }) => {
        const server = await createHttpServer({
          name: 'checkout',
          instance: 'checkout-1',
          logger,
          metrics,
          checks: [],
        });
        const jwksUrl = new URL('/.well-known/jwks.json', identity.url);
        await server.register(authentication, { verify: bearerVerifier({ issuer: identity.url, jwksUrl }) });
        orderEventRoutes(server, { store, live });
        await server.ready();
        return { server };
      },
    });
    try {
      for (let round = 0; round < 3; round += 1) {
        const url = `${app.url}/orders/${randomUUIDv7()}/events`;
        const streams = await Promise.all(Array.from({ length: 20 }, () => openStream(url, identity.token())));
        await Promise.all(streams.map((stream) => until('a snapshot', () => stream.events.length === 1)));
        assert.equal(watching.size, 20);
        for (const stream of streams) stream.leave();
        await until('all to be freed', () => watching.size === 0);
      }
      assert.deepEqual(app.complaints, []);
    } finally {
      await app.stop();
      await identity.close();
    }
  });
});
