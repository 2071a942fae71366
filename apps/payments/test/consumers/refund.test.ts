/** Refunds for claims, and refused refunds that an operator has tried again: once each, whatever happens around them. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { seededRandom, shuffled, until } from '@ballast/testing';
import {
  amount,
  authorize,
  cancel,
  cancelAgain,
  capture,
  currency,
  newOrder,
  openBench,
  refund,
  type Bench,
} from '../support.ts';

const givenBack = { authorized: amount, captured: amount, refunded: amount };
const kept = { authorized: amount, captured: amount, refunded: 0 };

describe('a refund for a claim', () => {
  let bench: Bench;
  before(async () => {
    bench = await openBench();
    await bench.start();
  });
  after(() => bench.close());

  const paid = async (method = 'pm_card_visa'): Promise<string> => {
    const orderId = newOrder();
    await bench.peer.say(authorize(orderId, method), capture(orderId));
    await bench.told(orderId, 'PaymentCaptured');
    return orderId;
  };
  const count = (orderId: string, type: string): number =>
    bench.events(orderId).filter((event) => event === type).length;

  for (const method of ['pm_card_visa', 'paypal_approve', 'pm_standin_no_webhook', 'pm_standin_webhook_before_reply']) {
    it(`gives the money back once, however often it is asked for (${method})`, async () => {
      const orderId = await paid(method);
      const claimId = newOrder();
      const asked = refund(orderId, claimId);
      await bench.peer.say(asked, asked, refund(orderId, claimId), refund(orderId, claimId));
      const body = await bench.told(orderId, 'PaymentRefunded');
      assert.deepEqual(body, { orderId, claimId, refunded: amount, currency });
      const told = count(orderId, 'PaymentRefunded');
      await bench.peer.say(refund(orderId, claimId));
      await until('the answer again', () => count(orderId, 'PaymentRefunded') > told);
      assert.deepEqual(await bench.witness(orderId), givenBack);
      assert.equal((await bench.ledger(orderId)).filter(({ kind }) => kind === 'refunded').length, 1);
      assert.deepEqual(
        bench
          .events(orderId)
          .filter((type) => !['PaymentAuthorized', 'PaymentCaptured', 'PaymentRefunded'].includes(type)),
        [],
        'the order hears nothing of it',
      );
    });
  }

  it('that the provider refuses is told with its words, again to each that asks', async () => {
    const orderId = await paid('pm_standin_refund_fails');
    const claimId = newOrder();
    for (let times = 1; times <= 3; times += 1) {
      await bench.peer.say(refund(orderId, claimId));
      await until('the refusal', () => count(orderId, 'RefundRefused') === times);
    }
    const body = await bench.told(orderId, 'RefundRefused');
    assert.deepEqual([body.claimId, body.code], [claimId, 'refund_disputed_payment']);
    assert.match(body.detail, /charged back/);
    assert.deepEqual(await bench.witness(orderId), kept);
  });

  it('that was refused is tried again for a higher number, and succeeds where the provider has changed its mind', async () => {
    const orderId = await paid('pm_standin_refund_fails_once');
    const claimId = newOrder();
    await bench.peer.say(refund(orderId, claimId));
    await bench.told(orderId, 'RefundRefused');
    await bench.peer.say(refund(orderId, claimId));
    await until('the refusal again', () => count(orderId, 'RefundRefused') === 2);
    assert.deepEqual(await bench.witness(orderId), kept);
    await bench.peer.say(refund(orderId, claimId, 1), refund(orderId, claimId, 1));
    assert.equal((await bench.told(orderId, 'PaymentRefunded')).refunded, amount);
    assert.deepEqual(await bench.witness(orderId), givenBack);
    assert.equal((await bench.ledger(orderId)).filter(({ kind }) => kind === 'refunded').length, 1);
  });

  it('of what was never captured, is being given up or nobody knows is refused, and changes nothing', async () => {
    const unknown = newOrder();
    const held = newOrder();
    await bench.peer.say(authorize(held));
    await bench.told(held, 'PaymentAuthorized');
    const givenUp = await paid();
    await bench.peer.say(cancel(givenUp));
    await bench.told(givenUp, 'PaymentCancelled');
    for (const [orderId, code] of [
      [unknown, 'not-captured'],
      [held, 'not-captured'],
      [givenUp, 'order-given-up'],
    ] as const) {
      const claimId = newOrder();
      await bench.peer.say(refund(orderId, claimId));
      const body = await bench.told(orderId, 'RefundRefused');
      assert.deepEqual([body.claimId, body.code], [claimId, code]);
    }
    assert.deepEqual(await bench.test.database.query('SELECT FROM payments WHERE order_id = $1', [unknown]), []);
    // The one nobody knew is paid like any other, and then there is something to give back.
    await bench.peer.say(authorize(unknown), capture(unknown));
    await bench.told(unknown, 'PaymentCaptured');
    assert.deepEqual(await bench.witness(unknown), kept);
    await bench.peer.say(capture(held));
    await bench.told(held, 'PaymentCaptured');
    assert.deepEqual(await bench.witness(held), kept);
  });

  it('is for the first claim; another one is refused', async () => {
    const orderId = await paid();
    const [first, second] = [newOrder(), newOrder()];
    await bench.peer.say(refund(orderId, first));
    assert.equal((await bench.told(orderId, 'PaymentRefunded')).claimId, first);
    await bench.peer.say(refund(orderId, second));
    const body = await bench.told(orderId, 'RefundRefused');
    assert.deepEqual([body.claimId, body.code], [second, 'claimed-already']);
    assert.deepEqual(await bench.witness(orderId), givenBack);
  });

  it('and a cancellation at the same moment end in one refund, with both answered', async () => {
    const random = seededRandom(4);
    for (const method of ['pm_card_visa', 'paypal_approve']) {
      const orders = await Promise.all(Array.from({ length: 8 }, () => paid(method)));
      const commands = orders.flatMap((orderId) => [refund(orderId, newOrder()), cancel(orderId)]);
      await bench.peer.say(...shuffled([...commands, ...commands], random));
      for (const orderId of orders) {
        await bench.told(orderId, 'PaymentCancelled');
        await until('the claim’s answer', () =>
          bench.events(orderId).some((type) => type === 'PaymentRefunded' || type === 'RefundRefused'),
        );
        assert.deepEqual(await bench.witness(orderId), givenBack);
      }
    }
  });
});

describe('a process that dies with refunds under way', () => {
  let bench: Bench;
  before(async () => {
    bench = await openBench();
  });
  after(() => bench.close());

  it('between the provider’s effect and the note of it has given back once when it lives again', async () => {
    const doomed = await bench.spawn({ FAULTS: 'after-provider-call.refund=crash@3' });
    await doomed.ready();
    const orders = Array.from({ length: 10 }, (_, index) => ({
      orderId: newOrder(),
      claimId: newOrder(),
      method: index % 2 === 0 ? 'pm_standin_no_webhook' : 'paypal_approve',
    }));
    await bench.peer.say(...orders.flatMap(({ orderId, method }) => [authorize(orderId, method), capture(orderId)]));
    for (const { orderId } of orders) await bench.told(orderId, 'PaymentCaptured');
    await bench.peer.say(...orders.map(({ orderId, claimId }) => refund(orderId, claimId)));
    assert.deepEqual(await doomed.ended, { code: null, signal: 'SIGKILL' });
    // Its leases would run out by themselves; nobody needs to wait for that here.
    await bench.test.database.query(`UPDATE payments SET leased_until = '-infinity' WHERE unsettled`);
    const next = await bench.spawn();
    await next.ready();
    for (const { orderId, claimId } of orders) {
      assert.equal((await bench.told(orderId, 'PaymentRefunded')).claimId, claimId);
      assert.deepEqual(await bench.witness(orderId), givenBack);
      assert.equal((await bench.ledger(orderId)).filter(({ kind }) => kind === 'refunded').length, 1);
    }
    await next.end();
  });
});

describe('a cancellation whose refund was refused', () => {
  let bench: Bench;
  before(async () => {
    bench = await openBench();
    await bench.start();
  });
  after(() => bench.close());

  const refused = async (method: string): Promise<string> => {
    const orderId = newOrder();
    await bench.peer.say(authorize(orderId, method), capture(orderId));
    await bench.told(orderId, 'PaymentCaptured');
    await bench.peer.say(cancel(orderId));
    await bench.told(orderId, 'PaymentCancelRefused');
    return orderId;
  };
  const count = (orderId: string, type: string): number =>
    bench.events(orderId).filter((event) => event === type).length;

  it('is tried again for a higher number, and succeeds where the provider has changed its mind', async () => {
    const orderId = await refused('pm_standin_refund_fails_once');
    await bench.peer.say(cancel(orderId));
    await until('the refusal again', () => count(orderId, 'PaymentCancelRefused') === 2);
    assert.deepEqual(await bench.witness(orderId), kept);
    await bench.peer.say(cancelAgain(orderId, 1), cancelAgain(orderId, 1));
    assert.equal((await bench.told(orderId, 'PaymentCancelled')).refunded, amount);
    assert.deepEqual(await bench.witness(orderId), givenBack);
    assert.equal((await bench.ledger(orderId)).filter(({ kind }) => kind === 'refunded').length, 1);
  });

  it('is tried once for each number', async () => {
    const orderId = await refused('pm_standin_refund_fails');
    const row = async (): Promise<unknown> =>
      (
        await bench.test.database.query('SELECT retry, state, unsettled FROM payments WHERE order_id = $1', [orderId])
      )[0];
    let told = 1;
    for (const [retry, seen] of [
      [1, 1],
      [1, 1],
      [3, 3],
      [2, 3],
    ] as const) {
      await bench.peer.say(cancelAgain(orderId, retry));
      told += 1;
      await until('the refusal', () => count(orderId, 'PaymentCancelRefused') === told);
      assert.deepEqual(await row(), { retry: seen, state: 'captured', unsettled: false });
    }
    assert.deepEqual(await bench.witness(orderId), kept);
  });
});
