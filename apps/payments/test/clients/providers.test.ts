// Both clients against the stand-in: every way a payment can go.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { PaymentProvider } from '../../src/clients/provider.ts';
import { authorize, ledgerOf, newOrder, startBench, type Bench } from './harness.ts';

let bench: Bench;
before(async () => {
  bench = await startBench();
});
after(() => bench.close());

const good = { stripe: 'pm_card_visa', paypal: 'paypal_approve' } as const;

for (const name of ['stripe', 'paypal'] as const) {
  const provider = (): PaymentProvider => bench.providers[name];
  const row = (orderId: string, authorized: number, captured: number, refunded: number) => [
    { orderId, provider: name, currency: 'EUR', authorized, captured, refunded },
  ];

  describe(name, () => {
    test('holds, takes and gives back money, and the ledger shows each step', async () => {
      const order = newOrder();
      const { orderId, amount, currency } = order;
      const reference = await authorize(provider(), order, good[name]);
      assert.deepEqual(await ledgerOf(bench, orderId), row(orderId, 1234, 0, 0));

      const captured = await provider().capture({
        orderId,
        reference,
        amount,
        currency,
        idempotencyKey: order.key('capture'),
      });
      assert.equal(captured.outcome, 'captured');
      assert.equal(captured.amount, 1234);
      assert.deepEqual(await ledgerOf(bench, orderId), row(orderId, 1234, 1234, 0));

      const refund = (part: number, step: string) =>
        provider().refund({
          orderId,
          reference,
          captureReference: captured.captureReference,
          amount: part,
          currency,
          idempotencyKey: order.key(step),
        });
      assert.deepEqual(await refund(234, 'refund-1'), { outcome: 'refunded' });
      assert.deepEqual(await refund(1000, 'refund-2'), { outcome: 'refunded' });
      assert.deepEqual(await ledgerOf(bench, orderId), row(orderId, 1234, 1234, 1234));
      assert.deepEqual(await refund(1, 'refund-3'), { outcome: 'refunded' }, 'nothing is left');
      assert.deepEqual(await ledgerOf(bench, orderId), row(orderId, 1234, 1234, 1234));
    });

    test('lets held money go; the ledger forgets the authorisation', async () => {
      const order = newOrder();
      const { orderId, amount, currency } = order;
      const reference = await authorize(provider(), order, good[name]);
      const cancel = (step: string) => provider().cancel({ orderId, reference, idempotencyKey: order.key(step) });
      assert.deepEqual(await cancel('cancel'), { outcome: 'voided' });
      assert.deepEqual(await cancel('cancel-again'), { outcome: 'voided' });
      assert.deepEqual(await ledgerOf(bench, orderId), row(orderId, 0, 0, 0));
      const idempotencyKey = order.key('capture');
      const late = await provider().capture({ orderId, reference, amount, currency, idempotencyKey });
      assert.equal(late.outcome, 'refused');
    });

    test('tells of a capture when asked to cancel or to capture again under another key', async () => {
      const order = newOrder();
      const { orderId, amount, currency } = order;
      const reference = await authorize(provider(), order, good[name]);
      const capture = (step: string) =>
        provider().capture({ orderId, reference, amount, currency, idempotencyKey: order.key(step) });
      const first = await capture('capture');
      assert.equal(first.outcome, 'captured');
      const again = await capture('capture-again');
      const cancelled = await provider().cancel({
        orderId,
        reference,
        idempotencyKey: order.key('cancel'),
      });
      assert.deepEqual(again, first);
      assert.deepEqual(cancelled, first);
      assert.deepEqual(await ledgerOf(bench, orderId), row(orderId, 1234, 1234, 0));
    });

    test('repeating a call with its key has no second effect and the same result', async () => {
      const order = newOrder();
      const { orderId, amount, currency } = order;
      const reference = await authorize(provider(), order, good[name]);
      assert.equal(await authorize(provider(), order, good[name]), reference);
      const capture = () =>
        provider().capture({
          orderId,
          reference,
          amount,
          currency,
          idempotencyKey: order.key('capture'),
        });
      assert.deepEqual(await capture(), await capture());
      assert.deepEqual(await ledgerOf(bench, orderId), row(orderId, 1234, 1234, 0));
    });

    test('captures a part; the rest is let go', async () => {
      const order = newOrder();
      const { orderId, currency } = order;
      const reference = await authorize(provider(), order, good[name]);
      const idempotencyKey = order.key('capture');
      const part = await provider().capture({ orderId, reference, amount: 1000, currency, idempotencyKey });
      assert.equal(part.outcome, 'captured');
      assert.equal(part.amount, 1000);
      assert.deepEqual(await ledgerOf(bench, orderId), row(orderId, 1234, 1000, 0));
    });

    test('refuses to capture more than is held', async () => {
      const order = newOrder();
      const { orderId, currency } = order;
      const reference = await authorize(provider(), order, good[name]);
      const idempotencyKey = order.key('capture');
      const more = await provider().capture({ orderId, reference, amount: 1235, currency, idempotencyKey });
      assert.equal(more.outcome, 'refused');
      assert.deepEqual(await ledgerOf(bench, orderId), row(orderId, 1234, 0, 0));
    });

    test('takes currencies without decimals as they are', async () => {
      const order = newOrder(1234, 'JPY');
      const { orderId, amount, currency } = order;
      const reference = await authorize(provider(), order, good[name]);
      const idempotencyKey = order.key('capture');
      const taken = await provider().capture({ orderId, reference, amount, currency, idempotencyKey });
      assert.equal(taken.outcome, 'captured');
      assert.equal(taken.amount, 1234);
      assert.deepEqual(await ledgerOf(bench, orderId), [
        { orderId, provider: name, currency: 'JPY', authorized: 1234, captured: 1234, refunded: 0 },
      ]);
    });

    test('an unknown means of payment is declined', async () => {
      const { orderId, amount, currency, key } = newOrder();
      const idempotencyKey = key('authorize');
      const method = 'nothing_of_the_kind';
      const result = await provider().authorize({ orderId, amount, currency, method, idempotencyKey });
      assert.equal(result.outcome, 'declined');
      assert.deepEqual(await ledgerOf(bench, orderId), []);
    });

    test('a reference that does not exist is a protocol error, not a refusal', async () => {
      const { orderId, amount, currency, key } = newOrder();
      const input = { orderId, reference: 'unknown', amount, currency, idempotencyKey: key('x') };
      await assert.rejects(provider().capture(input), { name: 'ProviderProtocolError' });
      await assert.rejects(provider().cancel(input), { name: 'ProviderProtocolError' });
      const refund = { ...input, captureReference: 'unknown' };
      await assert.rejects(provider().refund(refund), { name: 'ProviderProtocolError' });
    });
  });
}

test('every listed method leads to the outcome it is listed with', async () => {
  const methods = await bench.providers.listMethods();
  assert.equal(methods.length, 24);
  for (const { provider: name, method, outcome } of methods) {
    const provider = bench.providers[name];
    const order = newOrder();
    const { orderId, amount, currency } = order;
    // As a driver would: a lost reply is asked for again with the same key.
    const persist = async <Result>(call: () => Promise<Result>): Promise<Result> => {
      for (let attempt = 1; ; attempt += 1) {
        try {
          return await call();
        } catch (error) {
          const known = error instanceof Error && error.name === 'ProviderUnavailable';
          if (!known || attempt === 3) throw error;
        }
      }
    };
    const authorized = await persist(() =>
      provider.authorize({ orderId, amount, currency, method, idempotencyKey: order.key('authorize') }),
    );
    if (authorized.outcome === 'declined') {
      assert.equal(outcome, 'declined', method);
      continue;
    }
    const { reference } = authorized;
    const captured = await persist(() =>
      provider.capture({ orderId, reference, amount, currency, idempotencyKey: order.key('capture') }),
    );
    assert.equal(captured.outcome, outcome === 'declined' ? 'refused' : 'captured', method);
    if (captured.outcome === 'refused') continue;
    const { captureReference } = captured;
    const idempotencyKey = order.key('refund');
    const refunded = await persist(() =>
      provider.refund({ orderId, reference, captureReference, amount, currency, idempotencyKey }),
    );
    assert.equal(refunded.outcome, outcome === 'refund_refused' ? 'refused' : 'refunded', method);
  }
});

test('declines carry the provider’s own code', async () => {
  const cases = [
    ['stripe', 'pm_card_chargeDeclined', 'generic_decline'],
    ['stripe', 'pm_card_chargeDeclinedInsufficientFunds', 'insufficient_funds'],
    ['stripe', 'pm_card_chargeDeclinedExpiredCard', 'expired_card'],
    ['paypal', 'paypal_decline', 'INSTRUMENT_DECLINED'],
  ] as const;
  for (const [name, method, code] of cases) {
    const { orderId, amount, currency, key } = newOrder();
    const input = { orderId, amount, currency, method, idempotencyKey: key('authorize') };
    const result = await bench.providers[name].authorize(input);
    assert.equal(result.outcome, 'declined');
    assert.equal(result.code, code);
    assert.notEqual(result.detail, '');
  }
});

test('PayPal declines what its currencies cannot express', async () => {
  for (const [amount, currency] of [
    [1050, 'HUF'],
    [1000, 'XAF'],
  ] as const) {
    const { orderId, key } = newOrder();
    const input = { orderId, amount, currency, method: 'paypal_approve', idempotencyKey: key('a') };
    const result = await bench.providers.paypal.authorize(input);
    assert.equal(result.outcome, 'declined');
    assert.equal(result.code, 'unsupported_currency');
  }
});
