/** A cancellation at every moment there is, and what is said twice or in the wrong order. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { createMessage } from '@ballast/messaging';
import { seededRandom, shuffled, until } from '@ballast/testing';
import { amount, authorize, cancel, capture, newOrder, openBench, type Bench } from '../support.ts';

const nothing = { authorized: 0, captured: 0, refunded: 0 };

describe('a cancellation', () => {
  let bench: Bench;
  before(async () => {
    bench = await openBench();
    await bench.start();
  });
  after(() => bench.close());

  it('before the order to authorise is answered at once, and the late order declined', async () => {
    const orderId = newOrder();
    await bench.peer.say(cancel(orderId));
    assert.equal((await bench.told(orderId, 'PaymentCancelled')).refunded, 0);
    await bench.peer.say(authorize(orderId));
    assert.equal((await bench.told(orderId, 'PaymentDeclined')).code, 'order-given-up');
    await bench.peer.say(capture(orderId));
    assert.equal((await bench.told(orderId, 'CaptureRefused')).code, 'order-given-up');
    assert.deepEqual(await bench.witness(orderId), nothing);
    assert.deepEqual(await bench.ledger(orderId), []);
  });

  for (const method of ['pm_card_visa', 'paypal_approve']) {
    it(`together with the order to authorise leaves nothing held (${method})`, async () => {
      const orderId = newOrder();
      await bench.peer.say(authorize(orderId, method), cancel(orderId));
      await bench.told(orderId, 'PaymentCancelled');
      assert.deepEqual(await bench.witness(orderId), nothing);
    });

    it(`after the money is held lets it go (${method})`, async () => {
      const orderId = newOrder();
      await bench.peer.say(authorize(orderId, method));
      await bench.told(orderId, 'PaymentAuthorized');
      await bench.peer.say(cancel(orderId));
      assert.equal((await bench.told(orderId, 'PaymentCancelled')).refunded, 0);
      assert.deepEqual(await bench.witness(orderId), nothing);
    });

    it(`together with the capture ends with nothing taken, whichever is faster (${method})`, async () => {
      for (let round = 0; round < 5; round += 1) {
        const orderId = newOrder();
        await bench.peer.say(authorize(orderId, method));
        await bench.told(orderId, 'PaymentAuthorized');
        await bench.peer.say(...(round % 2 === 0 ? [capture, cancel] : [cancel, capture]).map((make) => make(orderId)));
        await bench.told(orderId, 'PaymentCancelled');
        const seen = await bench.witness(orderId);
        assert.equal(seen.captured - seen.refunded, 0);
        assert.ok(seen.captured > 0 || seen.authorized === 0, 'nothing is held any more');
      }
    });
  }

  it('while an authorisation hangs waits for its end and lets the money go', async () => {
    const orderId = newOrder();
    await bench.peer.say(authorize(orderId, 'pm_standin_very_slow'));
    await until('the call', async () => (await bench.row(orderId)).wanted === 'authorized');
    await bench.peer.say(cancel(orderId));
    await bench.told(orderId, 'PaymentCancelled');
    assert.deepEqual(await bench.witness(orderId), nothing);
    assert.deepEqual(bench.events(orderId), ['PaymentCancelled']);
    assert.deepEqual(
      (await bench.ledger(orderId)).map(({ kind }) => kind),
      ['authorized', 'voided'],
    );
  });

  it('of one that is asked for again is answered again, and refunds once', async () => {
    const orderId = newOrder();
    await bench.peer.say(authorize(orderId), capture(orderId));
    await bench.told(orderId, 'PaymentCaptured');
    for (let times = 1; times <= 3; times += 1) {
      await bench.peer.say(cancel(orderId));
      await until(
        'an answer',
        () => bench.events(orderId).filter((type) => type === 'PaymentCancelled').length === times,
      );
    }
    assert.deepEqual(await bench.witness(orderId), { authorized: amount, captured: amount, refunded: amount });
    assert.equal((await bench.ledger(orderId)).filter(({ kind }) => kind === 'refunded').length, 1);
  });
});

describe('commands that are delivered three times and shuffled', () => {
  let bench: Bench;
  before(async () => {
    bench = await openBench();
    await Promise.all([bench.start(), bench.start()]);
  });
  after(() => bench.close());

  it('end as if each had come once, in its order', async () => {
    const random = seededRandom(9);
    const orders = Array.from({ length: 40 }, (_, index) => ({
      orderId: newOrder(),
      method: index % 2 === 0 ? 'pm_card_visa' : 'paypal_approve',
      givenUp: index % 4 < 2,
    }));
    const once = orders.flatMap(({ orderId, method, givenUp }) => [
      authorize(orderId, method),
      capture(orderId),
      ...(givenUp ? [cancel(orderId)] : []),
    ]);
    await bench.peer.say(...shuffled([...once, ...once, ...once], random));
    const messages = await until('all to be carried out', async () => {
      const [row] = await bench.test.database.query<{ open: number; seen: number }>(
        `SELECT (SELECT count(*)::int FROM payments WHERE unsettled) AS open, (SELECT count(*)::int FROM inbox) AS seen`,
      );
      return row!.open === 0 && row!.seen === once.length ? row : undefined;
    });
    assert.equal(messages.seen, once.length);
    for (const { orderId, givenUp } of orders) {
      if (givenUp) await bench.told(orderId, 'PaymentCancelled');
      else await bench.told(orderId, 'PaymentCaptured');
      const seen = await bench.witness(orderId);
      assert.equal(seen.captured - seen.refunded, givenUp ? 0 : amount, orderId);
      if (givenUp && seen.captured === 0) assert.equal(seen.authorized, 0);
      const kinds = (await bench.ledger(orderId)).map(({ kind }) => kind);
      assert.equal(new Set(kinds).size, kinds.length, 'each movement once');
    }
  });

  it('are answered once, however often the same one is delivered', async () => {
    const orderId = newOrder();
    const asked = authorize(orderId);
    await bench.peer.say(asked);
    await bench.told(orderId, 'PaymentAuthorized');
    await bench.peer.say(asked, asked);
    // What is told of an order keeps its order: an answer to the repeats would come before this one.
    await bench.peer.say(capture(orderId));
    await bench.told(orderId, 'PaymentCaptured');
    assert.deepEqual(bench.events(orderId), ['PaymentAuthorized', 'PaymentCaptured']);
  });

  it('that make no sense go to the dead letters without a row', async () => {
    const orderId = newOrder();
    const bad = createMessage({ type: 'CapturePayment', correlationId: orderId, body: { orderId } });
    await bench.peer.say({ ...bad, body: { orderId, amount: 1 } } as never);
    const good = newOrder();
    await bench.peer.say(authorize(good));
    await bench.told(good, 'PaymentAuthorized');
    assert.deepEqual(await bench.test.database.query('SELECT FROM payments WHERE order_id = $1', [orderId]), []);
  });
});
