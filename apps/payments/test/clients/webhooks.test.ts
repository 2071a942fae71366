// What the stand-in's webhooks say, and that nothing but a provider's own fresh word is believed.

import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import type { PaymentProvider, WebhookEvidence, WebhookHeaders } from '../../src/clients/provider.ts';
import { createProviders } from '../../src/clients/providers.ts';
import {
  authorize,
  evidenceAbout,
  newOrder,
  providerOf,
  startBench,
  until,
  type Bench,
  type Received,
} from './harness.ts';

let bench: Bench;
before(async () => {
  bench = await startBench();
});
after(() => bench.close());

/** Pays and refunds an order and returns the references. */
async function payAndRefund(provider: PaymentProvider, method: string) {
  const order = newOrder();
  const { orderId, amount, currency } = order;
  const reference = await authorize(provider, order, method);
  const captured = await provider.capture({
    orderId,
    reference,
    amount,
    currency,
    idempotencyKey: order.key('capture'),
  });
  assert.equal(captured.outcome, 'captured');
  const { captureReference } = captured;
  for (const [part, step] of [
    [200, 'refund-1'],
    [1034, 'refund-2'],
  ] as const) {
    const idempotencyKey = order.key(step);
    const input = { orderId, reference, captureReference, amount: part, currency, idempotencyKey };
    assert.deepEqual(await provider.refund(input), { outcome: 'refunded' });
  }
  return { orderId, reference, captureReference };
}

function evidence(orderId: string, count: number): Promise<WebhookEvidence[]> {
  return until(`${count} webhooks`, async () => {
    const found = await evidenceAbout(bench, orderId);
    return found.length >= count ? found : undefined;
  });
}

async function oneWebhook(name: 'stripe' | 'paypal'): Promise<Received> {
  const order = newOrder();
  await authorize(bench.providers[name], order, name === 'stripe' ? 'pm_card_visa' : 'paypal_approve');
  return until('a webhook', () => bench.receiver.received.find((webhook) => webhook.body.includes(order.orderId)));
}

function refuses(
  webhook: Pick<Received, 'path' | 'body'> & { headers: WebhookHeaders },
  reason: string,
  provider = providerOf(bench, webhook),
) {
  return assert.rejects(provider.verifyWebhook(webhook.body, webhook.headers), {
    name: 'WebhookRejected',
    reason,
  });
}

test('Stripe’s events tell what was held, taken and given back, and for which order', async () => {
  const { orderId, reference, captureReference } = await payAndRefund(bench.providers.stripe, 'pm_card_visa');
  const found = await evidence(orderId, 4);
  const facts = new Map(found.map(({ type, fact }) => [`${type} ${fact.amount}`, fact]));
  const common = { reference, currency: 'EUR' };
  assert.deepEqual(
    facts,
    new Map([
      ['payment_intent.amount_capturable_updated 1234', { ...common, kind: 'authorized' as const, amount: 1234 }],
      ['payment_intent.succeeded 1234', { ...common, kind: 'captured' as const, captureReference, amount: 1234 }],
      ['charge.refunded 200', { ...common, kind: 'refunded' as const, captureReference, amount: 200 }],
      ['charge.refunded 1234', { ...common, kind: 'refunded' as const, captureReference, amount: 1234 }],
    ]),
  );
  assert.equal(new Set(found.map((item) => item.eventId)).size, 4);
  for (const item of found) assert.ok(Math.abs(Date.parse(item.occurredAt) - Date.now()) < 60_000);
});

test('PayPal’s events tell the same; its refunds name the capture only', async () => {
  const { orderId, reference, captureReference } = await payAndRefund(bench.providers.paypal, 'paypal_approve');
  const found = await evidence(orderId, 4);
  const facts = new Map(found.map(({ type, fact }) => [`${type} ${fact.amount}`, fact]));
  const currency = 'EUR';
  assert.deepEqual(
    facts,
    new Map([
      ['PAYMENT.AUTHORIZATION.CREATED 1234', { kind: 'authorized' as const, reference, amount: 1234, currency }],
      [
        'PAYMENT.CAPTURE.COMPLETED 1234',
        { kind: 'captured' as const, reference, captureReference, amount: 1234, currency },
      ],
      [
        'PAYMENT.CAPTURE.REFUNDED 200',
        { kind: 'refunded' as const, reference: '', captureReference, amount: 200, currency },
      ],
      [
        'PAYMENT.CAPTURE.REFUNDED 1234',
        { kind: 'refunded' as const, reference: '', captureReference, amount: 1234, currency },
      ],
    ]),
  );
});

test('voids are told by both, declines by Stripe', async () => {
  for (const [name, method] of [
    ['stripe', 'pm_card_visa'],
    ['paypal', 'paypal_approve'],
  ] as const) {
    const order = newOrder();
    const reference = await authorize(bench.providers[name], order, method);
    const idempotencyKey = order.key('cancel');
    await bench.providers[name].cancel({ orderId: order.orderId, reference, idempotencyKey });
    const found = await evidence(order.orderId, 2);
    const voided = found.find((item) => item.fact.kind === 'voided');
    assert.equal(voided?.fact.reference, reference);
  }
  const { orderId, amount, currency, key } = newOrder();
  const method = 'pm_card_chargeDeclined';
  const idempotencyKey = key('authorize');
  await bench.providers.stripe.authorize({ orderId, amount, currency, method, idempotencyKey });
  const [declined] = await evidence(orderId, 1);
  assert.equal(declined?.fact.kind, 'declined');
});

describe('stand-in methods that play with webhooks', () => {
  for (const [name, method] of [
    ['stripe', 'pm_standin_webhook_before_reply'],
    ['paypal', 'paypal_standin_webhook_before_reply'],
  ] as const) {
    test(`${method}: has been delivered when the call returns`, async () => {
      const order = newOrder();
      await authorize(bench.providers[name], order, method);
      assert.equal((await evidenceAbout(bench, order.orderId)).length, 1);
    });
  }

  for (const [name, method] of [
    ['stripe', 'pm_standin_webhook_duplicated'],
    ['paypal', 'paypal_standin_webhook_duplicated'],
  ] as const) {
    test(`${method}: one event comes three times`, async () => {
      const order = newOrder();
      await authorize(bench.providers[name], order, method);
      const found = await evidence(order.orderId, 3);
      assert.equal(new Set(found.map((item) => item.eventId)).size, 1);
    });
  }

  test('pm_standin_webhook_reordered: the capture is told before the authorisation', async () => {
    const order = newOrder();
    const { orderId, amount, currency } = order;
    const reference = await authorize(bench.providers.stripe, order, 'pm_standin_webhook_reordered');
    const idempotencyKey = order.key('capture');
    await bench.providers.stripe.capture({ orderId, reference, amount, currency, idempotencyKey });
    const found = await evidence(orderId, 2);
    assert.deepEqual(
      found.map((item) => item.fact.kind),
      ['captured', 'authorized'],
    );
  });

  test('pm_standin_no_webhook: none comes', async () => {
    const silent = newOrder();
    await authorize(bench.providers.stripe, silent, 'pm_standin_no_webhook');
    const loud = newOrder();
    await authorize(bench.providers.stripe, loud, 'pm_card_visa');
    await evidence(loud.orderId, 1);
    assert.deepEqual(await evidenceAbout(bench, silent.orderId), []);
  });

  test('pm_standin_capture_wrong_amount: the event states another amount, and is reported as it is', async () => {
    const order = newOrder();
    const { orderId, amount, currency } = order;
    const reference = await authorize(bench.providers.stripe, order, 'pm_standin_capture_wrong_amount');
    const idempotencyKey = order.key('capture');
    const input = { orderId, reference, amount, currency, idempotencyKey };
    const captured = await bench.providers.stripe.capture(input);
    assert.equal(captured.outcome === 'captured' && captured.amount, 1234);
    const found = await evidence(orderId, 2);
    assert.equal(found.find((item) => item.fact.kind === 'captured')?.fact.amount, 1235);
  });
});

for (const name of ['stripe', 'paypal'] as const) {
  describe(`a hostile ${name} webhook`, () => {
    test('with one byte of the body changed is refused', async () => {
      const webhook = await oneWebhook(name);
      const body = Buffer.from(webhook.body.toString('utf8').replace('1234', '9234').replace('12.34', '92.34'));
      assert.notDeepEqual(body, webhook.body);
      await refuses({ ...webhook, body }, 'bad_signature');
    });

    test('without its headers is refused', async () => {
      const webhook = await oneWebhook(name);
      const names = Object.keys(webhook.headers).filter((header) => /^(stripe|paypal)-/.test(header));
      assert.equal(names.length, name === 'stripe' ? 1 : 5);
      for (const missing of names) {
        await refuses({ ...webhook, headers: { ...webhook.headers, [missing]: undefined } }, 'missing_header');
      }
    });

    test('that is too old, or comes from the future, is refused', async () => {
      const webhook = await oneWebhook(name);
      for (const [shift, reason] of [
        [-290_000, undefined],
        [290_000, undefined],
        [302_000, 'too_old'],
        [-302_000, 'in_future'],
      ] as const) {
        const shifted = createProviders({ ...bench.options, now: () => Date.now() + shift });
        try {
          if (reason === undefined) await shifted[name].verifyWebhook(webhook.body, webhook.headers);
          else await refuses(webhook, reason, shifted[name]);
        } finally {
          await shifted.close();
        }
      }
    });

    test('for another endpoint is refused', async () => {
      const webhook = await oneWebhook(name);
      const other = createProviders({
        ...bench.options,
        stripe: { ...bench.options.stripe, webhookSecret: 'whsec_other' },
        paypal: { ...bench.options.paypal, webhookId: 'WEBHOOK-2' },
      });
      try {
        await refuses(webhook, 'bad_signature', other[name]);
      } finally {
        await other.close();
      }
    });
  });
}

describe('Stripe-Signature', () => {
  const sign = (body: string, time: number | string, secret = 'whsec_bench'): string =>
    createHmac('sha256', secret).update(`${time}.${body}`).digest('hex');
  const now = (): number => Math.floor(Date.now() / 1000);
  const webhook = (body: string, header: string | string[]) => ({
    path: '/webhooks/stripe',
    headers: { 'stripe-signature': header },
    body: Buffer.from(body),
    at: 0,
  });

  test('is refused when it is not one well-formed value', async () => {
    const body = '{}';
    const time = now();
    for (const header of [
      'nonsense',
      't=,v1=00',
      `t=abc,v1=${sign(body, 'abc')}`,
      `t=${time},t=${time},v1=${sign(body, time)}`,
      [`t=${time},v1=${sign(body, time)}`, `t=${time},v1=${sign(body, time)}`],
    ]) {
      await refuses(webhook(body, header), 'malformed_header');
    }
    for (const header of [`t=${time}`, `t=${time},v0=${sign(body, time)}`, `t=${time},v1=`]) {
      await refuses(webhook(body, header), 'bad_signature');
    }
  });

  test('does not make a body readable that is not an event', async () => {
    const intent = {
      id: 'pi_1',
      object: 'payment_intent',
      status: 'succeeded',
      amount: 1,
      amount_capturable: 0,
      amount_received: 1,
      currency: 'eur',
      latest_charge: 'ch_1',
      metadata: { order_id: 'order' },
    };
    const event = (object: unknown, type = 'payment_intent.succeeded', created: unknown = now()) =>
      JSON.stringify({ id: 'evt_1', object: 'event', type, created, data: { object } });
    for (const body of [
      'not json',
      '[]',
      'null',
      '{"id":"evt_1"}',
      event(intent, 'payment_intent.succeeded', 'yesterday'),
      event(intent, 'payment_intent.succeeded', 1e15),
      event({ ...intent, amount_received: '1' }),
      event({ ...intent, amount_received: 1.5 }),
      event({ ...intent, amount_received: -1 }),
      event({ ...intent, currency: 'EURO' }),
      event({ ...intent, metadata: null }),
      event(intent, 'charge.refunded'),
    ]) {
      const time = now();
      await refuses(webhook(body, `t=${time},v1=${sign(body, time)}`), 'malformed_body');
    }
  });

  test('on events that do not concern us gives evidence to be ignored', async () => {
    for (const type of ['customer.created', 'constructor', 'payment_intent.succeeded']) {
      const object = {
        id: 'pi_1',
        object: 'payment_intent',
        status: 'succeeded',
        amount: 1,
        amount_capturable: 0,
        amount_received: 1,
        currency: 'eur',
        latest_charge: 'ch_1',
        metadata: {},
      };
      const created = now();
      const body = JSON.stringify({ id: 'evt_1', object: 'event', type, created, data: { object } });
      const { headers } = webhook(body, `t=${created},v1=${sign(body, created)}`);
      const found = await bench.providers.stripe.verifyWebhook(Buffer.from(body), headers);
      assert.equal(found.fact.kind, 'ignored');
      assert.equal(found.orderId, '');
    }
  });
});
