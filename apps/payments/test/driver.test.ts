/** What brings payments to their end when the provider, the process or its lease does not last. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { seededRandom, shuffled, until, type ServiceProcess } from '@ballast/testing';
import { amount, authorize, cancel, capture, newOrder, openBench, type Bench, type SentWebhook } from './support.ts';

const settled = async (bench: Bench): Promise<boolean> => {
  const open = await bench.test.database.query('SELECT FROM payments WHERE unsettled');
  return open.length === 0;
};

describe('a provider that is away', () => {
  let bench: Bench;
  before(async () => {
    bench = await openBench();
  });
  after(() => bench.close());

  it('holds payments up only as long as it is away', async () => {
    const app = await bench.start();
    const before = newOrder();
    await bench.peer.say(authorize(before));
    await bench.told(before, 'PaymentAuthorized');
    await bench.closeProvider();
    const orders = Array.from({ length: 10 }, () => newOrder());
    await bench.peer.say(
      capture(before),
      ...orders.flatMap((orderId, index) => [
        authorize(orderId, index % 2 === 0 ? 'pm_card_visa' : 'paypal_approve'),
        capture(orderId),
      ]),
    );
    await until('the trouble to be noticed', () =>
      app.complaints.some(({ message }) => message === 'a payment could not be moved on yet'),
    );
    assert.equal((await fetch(`${app.url}/readyz`)).status, 200, 'it is not payments that is down');
    assert.deepEqual(
      orders.flatMap((orderId) => bench.events(orderId)),
      [],
    );
    await bench.openProvider();
    for (const orderId of [before, ...orders]) await bench.told(orderId, 'PaymentCaptured');
    for (const orderId of [before, ...orders]) {
      assert.deepEqual(await bench.witness(orderId), { authorized: amount, captured: amount, refunded: 0 });
    }
  });
});

describe('two processes on the same tables', () => {
  let bench: Bench;
  before(async () => {
    bench = await openBench();
    await Promise.all([bench.start(), bench.start()]);
  });
  after(() => bench.close());

  it('never double an effect, not even while leases run out under their calls', async () => {
    const methods = ['pm_standin_slow', 'paypal_standin_slow', 'pm_standin_error_after_capture', 'pm_card_visa'];
    const orders = Array.from({ length: 24 }, (_, index) => ({ orderId: newOrder(), method: methods[index % 4]! }));
    await bench.peer.say(...orders.flatMap(({ orderId, method }) => [authorize(orderId, method), capture(orderId)]));
    await until('the end of all of them', async () => {
      await bench.test.database.query(`UPDATE payments SET leased_until = '-infinity', due_at = now() WHERE unsettled`);
      return (await settled(bench)) && orders.every(({ orderId }) => bench.events(orderId).includes('PaymentCaptured'));
    });
    for (const { orderId } of orders) {
      const kinds = (await bench.ledger(orderId)).map(({ kind }) => kind);
      assert.deepEqual(kinds.toSorted(), ['authorized', 'captured']);
      assert.deepEqual(await bench.witness(orderId), { authorized: amount, captured: amount, refunded: 0 });
      assert.equal(bench.events(orderId).filter((type) => type === 'PaymentCaptured').length, 1);
    }
  });
});

describe('a process that is killed', () => {
  let bench: Bench;
  before(async () => {
    bench = await openBench();
  });
  after(() => bench.close());

  it('between calls and amid 300 webhooks, tripled and shuffled, leaves one effect of each', async () => {
    const random = seededRandom(3);
    const orders = Array.from({ length: 60 }, (_, index) => ({
      orderId: newOrder(),
      method: index % 2 === 0 ? 'pm_card_visa' : 'paypal_approve',
      givenUp: index % 3 === 0,
    }));
    const doomed = await bench.spawn({ FAULTS: 'after-provider-call.capture=crash@25' });
    await doomed.ready();
    const { url } = doomed;
    const port = new URL(url).port;
    await bench.peer.say(...orders.flatMap(({ orderId, method }) => [authorize(orderId, method), capture(orderId)]));
    assert.deepEqual(await doomed.ended, { code: null, signal: 'SIGKILL' });

    // The next one loses its life between a refund and the note of it.
    let alive: ServiceProcess = await bench.spawn({ PORT: port, FAULTS: 'after-provider-call.refund=crash@5' });
    await alive.ready();
    await bench.peer.say(...orders.filter(({ givenUp }) => givenUp).map(({ orderId }) => cancel(orderId)));
    const supervised = alive.ended.then(async () => {
      alive = await bench.spawn({ PORT: port });
      await alive.ready();
    });
    const statuses = new Set<number>();
    const delivered = new Set<SentWebhook>();
    const deliverAll = async (webhooks: readonly SentWebhook[]): Promise<void> => {
      const waiting = [...webhooks];
      const worker = async (): Promise<void> => {
        for (let webhook = waiting.pop(); webhook !== undefined; webhook = waiting.pop()) {
          const next = webhook;
          await until(
            'a 2xx',
            async () => {
              const { status } = await bench.postbox.deliver(next, url);
              statuses.add(status);
              return status === 200;
            },
            30_000,
          );
        }
      };
      await Promise.all(Array.from({ length: 8 }, worker));
    };
    const fresh = (): SentWebhook[] => {
      const found = bench.postbox.received.filter((webhook) => !delivered.has(webhook));
      for (const webhook of found) delivered.add(webhook);
      return shuffled([...found, ...found, ...found], random);
    };
    await deliverAll(fresh());
    await supervised;
    await until('all to be settled', () => settled(bench), 30_000);
    for (const { orderId, givenUp } of orders) {
      await bench.told(orderId, givenUp ? 'PaymentCancelled' : 'PaymentCaptured');
    }
    // At least one for each hold, and one for what became of it; the last are still on their way from the provider.
    await until('their webhooks', () => bench.postbox.received.length >= 2 * orders.length, 30_000);
    await deliverAll(fresh());

    assert.ok(delivered.size * 3 >= 300, `${delivered.size} webhooks, three times each`);
    assert.ok(
      [...statuses].every((status) => [200, 503].includes(status)),
      [...statuses].join(),
    );
    for (const { orderId, givenUp } of orders) {
      const seen = await bench.witness(orderId);
      assert.equal(seen.captured - seen.refunded, givenUp ? 0 : amount);
      const ledger = await bench.ledger(orderId);
      assert.equal(new Set(ledger.map(({ kind }) => kind)).size, ledger.length, 'each movement once');
      const sum = (kind: string): number =>
        ledger.filter((entry) => entry.kind === kind).reduce((total, entry) => total + entry.amount, 0);
      assert.deepEqual([sum('captured'), sum('refunded')], [seen.captured, seen.refunded], 'both ledgers agree');
    }
    const [events] = await bench.test.database.query<{ count: number }>('SELECT count(*)::int FROM webhook_events');
    const ids = bench.postbox.received.map(({ body }) => (JSON.parse(body.toString()) as { id: string }).id);
    assert.equal(events!.count, new Set(ids).size, 'each event is remembered once');
    assert.deepEqual(await alive.end('SIGTERM'), { code: 0, signal: null });
  });
});
