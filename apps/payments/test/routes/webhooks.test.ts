/** Webhooks: what is believed, what is refused, and that 2xx comes only after the commit. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Problem } from '@ballast/contracts';
import { until, type RunningApp } from '@ballast/testing';
import {
  amount,
  authorize,
  capture,
  newOrder,
  openBench,
  stripeEvent,
  type Bench,
  type SentWebhook,
} from '../support.ts';

const heldEvent = 'payment_intent.amount_capturable_updated';
const takenEvent = 'payment_intent.succeeded';

describe('a webhook', () => {
  let bench: Bench;
  let app: RunningApp;
  before(async () => {
    bench = await openBench();
    app = await bench.start();
    // Nothing arrives here but what a test delivers itself.
    bench.postbox.forwardTo = null;
  });
  after(() => bench.close());

  const deliver = async (webhook: SentWebhook) => {
    const response = await bench.postbox.deliver(webhook, app.url);
    const body = (await response.json()) as Partial<Problem> & { effect?: string; reason?: string };
    return { status: response.status, headers: response.headers, body };
  };
  /** An order whose money is held, about which no webhook has come yet. */
  const held = async (method = 'pm_standin_no_webhook'): Promise<string> => {
    const orderId = newOrder();
    await bench.peer.say(authorize(orderId, method));
    await bench.told(orderId, 'PaymentAuthorized');
    return orderId;
  };
  const remembered = async (orderId: string): Promise<number> =>
    (await bench.test.database.query('SELECT FROM webhook_events WHERE order_id = $1', [orderId])).length;
  const written = async (orderId: string) => ({
    row: await bench.row(orderId),
    ledger: await bench.ledger(orderId),
    events: await remembered(orderId),
  });

  it('with a bad signature, too old or from the future is a 400 that says why, and writes nothing', async () => {
    const orderId = await held();
    const before = await written(orderId);
    const now = Math.floor(Date.now() / 1000);
    const good = stripeEvent(orderId, takenEvent);
    for (const [webhook, reason] of [
      [stripeEvent(orderId, takenEvent, { secret: 'whsec_other' }), 'bad_signature'],
      [stripeEvent(orderId, takenEvent, { at: now - 400 }), 'too_old'],
      [stripeEvent(orderId, takenEvent, { at: now + 400 }), 'in_future'],
      [{ ...good, body: Buffer.from(good.body.toString().replace('1234', '1235')) }, 'bad_signature'],
      [{ ...good, headers: { 'content-type': 'application/json' } }, 'missing_header'],
      [{ ...good, body: Buffer.from('not json') }, 'bad_signature'],
      [{ ...good, path: '/webhooks/paypal' }, 'missing_header'],
    ] as const) {
      const { status, body } = await deliver(webhook);
      assert.equal(status, 400, reason);
      assert.equal(body.code, 'invalid-signature');
      assert.equal(body.reason, reason);
    }
    assert.deepEqual(await written(orderId), before);
  });

  it('of PayPal’s that was changed on the way is a 400', async () => {
    const orderId = await held('paypal_approve');
    const webhook = await until('PayPal’s webhook', () =>
      bench.postbox.received.find(({ path, body }) => path === '/webhooks/paypal' && body.includes(orderId)),
    );
    const body = Buffer.from(webhook.body.toString().replace('12.34', '92.34'));
    assert.notDeepEqual(body, webhook.body);
    const refused = await deliver({ ...webhook, body });
    assert.equal(refused.status, 400);
    assert.equal(refused.body.reason, 'bad_signature');
    assert.equal((await deliver(webhook)).status, 200);
  });

  it('about another amount or currency is a 422 with nothing written; the right one is still taken', async () => {
    const orderId = await held();
    const before = await written(orderId);
    const id = `evt_${orderId}`;
    for (const change of [{ amount: amount + 1 }, { amount: 0 }, { currency: 'usd' }]) {
      const { status, body } = await deliver(stripeEvent(orderId, takenEvent, { id, ...change }));
      assert.equal(status, 422);
      assert.equal(body.code, 'amount-mismatch');
      assert.equal(body.field, 'amount');
    }
    assert.deepEqual(await written(orderId), before);
    const { status, body } = await deliver(stripeEvent(orderId, takenEvent, { id }));
    assert.deepEqual([status, body.effect], [200, 'applied']);
    assert.equal((await bench.row(orderId)).state, 'captured');
  });

  it('about an order nobody has heard of, or that another provider is paid through, is a 422', async () => {
    const unknown = newOrder();
    const ofPayPal = await held('paypal_approve');
    for (const orderId of [unknown, ofPayPal]) {
      const { status, body } = await deliver(stripeEvent(orderId, takenEvent));
      assert.deepEqual([status, body.code], [422, 'unknown-order']);
      assert.equal(await remembered(orderId), 0);
    }
    assert.equal((await bench.row(ofPayPal)).state, 'authorized');
  });

  it('that does not concern us is a 200 and ignored', async () => {
    const orderId = await held();
    const before = await written(orderId);
    for (const webhook of [
      stripeEvent(orderId, 'customer.created'),
      stripeEvent(orderId, 'payment_intent.payment_failed'),
      stripeEvent('', takenEvent),
      stripeEvent('order 17 of another shop', takenEvent),
    ]) {
      const { status, body } = await deliver(webhook);
      assert.deepEqual([status, body.effect], [200, 'ignored']);
    }
    assert.deepEqual(await written(orderId), before);
  });

  it('that comes again is a 200 and a duplicate, also at the same moment', async () => {
    const orderId = await held();
    const webhook = stripeEvent(orderId, takenEvent);
    const answers = await Promise.all(Array.from({ length: 20 }, () => deliver(webhook)));
    const effects = answers.map(({ status, body }) => `${status} ${body.effect}`).toSorted();
    assert.deepEqual(effects, ['200 applied', ...Array.from({ length: 19 }, () => '200 duplicate')]);
    assert.equal(await remembered(orderId), 1);
    await bench.told(orderId, 'PaymentCaptured');
    const kinds = (await bench.ledger(orderId)).map(({ kind, source }) => `${kind} by ${source}`);
    assert.deepEqual(kinds, ['authorized by reply', 'captured by webhook']);
  });

  it('that comes late moves nothing back', async () => {
    const orderId = await held();
    await bench.peer.say(capture(orderId));
    await bench.told(orderId, 'PaymentCaptured');
    const ledger = await bench.ledger(orderId);
    for (const type of [heldEvent, takenEvent, 'payment_intent.canceled']) {
      const { status } = await deliver(stripeEvent(orderId, type));
      assert.equal(status, 200);
    }
    assert.equal((await bench.row(orderId)).state, 'captured');
    assert.deepEqual(await bench.ledger(orderId), ledger);
    assert.deepEqual(bench.events(orderId), ['PaymentAuthorized', 'PaymentCaptured']);
  });

  it('is a 503 while the database is away, and has its effect when it comes again', async () => {
    const orderId = await held();
    const webhook = stripeEvent(orderId, takenEvent);
    await bench.test.cut();
    try {
      for (let tries = 0; tries < 3; tries += 1) {
        const { status, headers, body } = await deliver(webhook);
        assert.deepEqual([status, body.code], [503, 'unavailable']);
        assert.ok(Number(headers.get('retry-after')) >= 1);
      }
    } finally {
      await bench.test.restore();
    }
    const answer = await until('a 2xx', async () => {
      const tried = await deliver(webhook);
      return tried.status === 200 ? tried : undefined;
    });
    assert.equal(answer.body.effect, 'applied');
    await bench.told(orderId, 'PaymentCaptured');
    assert.equal((await bench.row(orderId)).state, 'captured');
  });
});
