/** Every way the provider can behave, from the command to the event, through the real clients. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { METHODS } from '@ballast/payment-provider-stand-in/methods';
import { until, type RunningApp } from '@ballast/testing';
import { amount, authorize, cancel, capture, currency, newOrder, openBench, type Bench } from '../support.ts';

describe('payments, with a provider that behaves in every way it knows', { concurrency: true }, () => {
  let bench: Bench;
  let app: RunningApp;
  before(async () => {
    bench = await openBench();
    app = await bench.start();
  });
  after(() => bench.close());

  const kinds = async (orderId: string): Promise<string[]> =>
    (await bench.ledger(orderId)).map((entry) => `${entry.kind} ${entry.amount}`);

  for (const { provider, method, outcome, behaviour } of METHODS) {
    if (behaviour.declines !== undefined) {
      it(`${method}: is declined, and nothing is held`, async () => {
        const orderId = newOrder();
        await bench.peer.say(authorize(orderId, method));
        const told = await bench.told(orderId, 'PaymentDeclined');
        // PayPal's own sentence speaks of instruments; ours is told instead.
        const said = provider === 'stripe' ? behaviour.declines!.message : 'PayPal declined the payment.';
        assert.equal(told.detail, said);
        assert.deepEqual(await bench.witness(orderId), { authorized: 0, captured: 0, refunded: 0 });
        await bench.peer.say(cancel(orderId));
        assert.deepEqual(await bench.told(orderId, 'PaymentCancelled'), { orderId, refunded: 0, currency });
        assert.deepEqual(await kinds(orderId), []);
      });
    } else if (behaviour.captureRefused !== undefined) {
      it(`${method}: is held, not taken, and let go`, async () => {
        const orderId = newOrder();
        await bench.peer.say(authorize(orderId, method));
        await bench.told(orderId, 'PaymentAuthorized');
        await bench.peer.say(capture(orderId));
        assert.equal((await bench.told(orderId, 'CaptureRefused')).detail, behaviour.captureRefused!.message);
        await bench.peer.say(cancel(orderId));
        await bench.told(orderId, 'PaymentCancelled');
        assert.deepEqual(await kinds(orderId), [`authorized ${amount}`, `voided ${amount}`]);
        assert.deepEqual(await bench.witness(orderId), { authorized: 0, captured: 0, refunded: 0 });
      });
    } else {
      it(`${method}: is held, taken and given back`, async () => {
        const orderId = newOrder();
        await bench.peer.say(authorize(orderId, method));
        assert.deepEqual(await bench.told(orderId, 'PaymentAuthorized'), { orderId, amount, currency });
        await bench.peer.say(capture(orderId));
        assert.deepEqual(await bench.told(orderId, 'PaymentCaptured'), { orderId, amount, currency });
        assert.deepEqual(await bench.witness(orderId), { authorized: amount, captured: amount, refunded: 0 });
        await bench.peer.say(cancel(orderId));
        const [last, refunded] =
          outcome === 'refund_refused'
            ? (['PaymentCancelRefused', 0] as const)
            : (['PaymentCancelled', amount] as const);
        const told = await bench.told(orderId, last);
        if ('refunded' in told) assert.equal(told.refunded, refunded);
        assert.deepEqual(bench.events(orderId), ['PaymentAuthorized', 'PaymentCaptured', last]);
        const given = refunded === 0 ? [] : [`refunded ${amount}`];
        assert.deepEqual(await kinds(orderId), [`authorized ${amount}`, `captured ${amount}`, ...given]);
        assert.deepEqual(await bench.witness(orderId), { authorized: amount, captured: amount, refunded });
      });
    }
  }

  it('a method the provider does not know is declined', async () => {
    for (const method of ['pm_unknown', 'paypal_unknown']) {
      const orderId = newOrder();
      await bench.peer.say(authorize(orderId, method));
      await bench.told(orderId, 'PaymentDeclined');
      assert.deepEqual(await kinds(orderId), []);
    }
  });

  it('what the provider does by itself is heard of by webhook, before or after our own call', async () => {
    const orderId = newOrder();
    await bench.peer.say(authorize(orderId, 'pm_standin_webhook_before_reply'));
    await bench.told(orderId, 'PaymentAuthorized');
    const [entry] = await bench.ledger(orderId);
    assert.deepEqual(entry, { kind: 'authorized', amount, source: 'webhook' });
  });

  it('offers the methods of both providers to whoever asks', async () => {
    const answer = await fetch(`${app.url}/payment-methods`);
    assert.equal(answer.status, 200);
    const names = ((await answer.json()) as { method: string }[]).map(({ method }) => method);
    assert.deepEqual(
      names,
      METHODS.map(({ method }) => method),
    );
  });

  it('logs nothing above a warning, and only what an operator can act on', async () => {
    await until('quiet', async () => {
      const [row] = await bench.test.database.query<{ open: number }>(
        'SELECT count(*)::int AS open FROM payments WHERE unsettled',
      );
      return row!.open === 0;
    });
    assert.deepEqual(
      app.complaints.filter(({ level }) => level !== 'warn').map(({ message, error }) => `${message} ${error}`),
      [],
    );
  });
});
