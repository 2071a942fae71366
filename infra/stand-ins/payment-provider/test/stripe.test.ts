// Stripe's side as its unchanged SDK sees it.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { Stripe } from 'stripe';
import { never, optionsFor, paymentOf, run, temporaryDirectory, until, type Running } from './harness.ts';

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let running: Running;
before(async () => {
  directory = await temporaryDirectory();
  running = await run(optionsFor(directory.path, undefined, { delays: { slow: 100, very_slow: never } }));
});
after(async () => {
  await running.standIn.close();
  await directory.remove();
});

const raw = (path: string, body: string, headers: Record<string, string> = {}) =>
  fetch(`${running.base}${path}`, {
    method: 'POST',
    headers: {
      authorization: 'Bearer sk_test_a',
      'content-type': 'application/x-www-form-urlencoded',
      ...headers,
    },
    body,
  });

test('the SDK creates, retrieves, captures and refunds a payment', async () => {
  const { stripe } = running;
  const orderId = randomUUID();
  const created = await stripe.paymentIntents.create(paymentOf(orderId));
  assert.equal(created.status, 'requires_capture');
  assert.equal(created.amount_capturable, 1000);
  assert.match(created.lastResponse.requestId, /^req_/);
  const captured = await stripe.paymentIntents.capture(created.id);
  assert.equal(captured.status, 'succeeded');
  assert.equal(captured.amount_received, 1000);
  const { latest_charge: charge } = captured;
  assert.ok(typeof charge === 'string');
  const refund = await stripe.refunds.create({ charge, amount: 400 });
  assert.equal(refund.status, 'succeeded');
  assert.equal((await stripe.refunds.retrieve(refund.id)).amount, 400);
  const found = await stripe.paymentIntents.retrieve(created.id);
  assert.deepEqual(found.metadata, { order_id: orderId });
  assert.deepEqual(
    (await running.ledger()).find((row) => row.orderId === orderId),
    { orderId, provider: 'stripe', currency: 'EUR', authorized: 1000, captured: 1000, refunded: 400 },
  );
});

test('declines are card errors that carry the payment', async () => {
  const error = await rejection(
    running.stripe.paymentIntents.create(paymentOf('d', 'pm_card_chargeDeclinedInsufficientFunds')),
  );
  assert.ok(error instanceof Stripe.errors.StripeCardError);
  assert.equal(error.statusCode, 402);
  assert.equal(error.code, 'card_declined');
  assert.equal(error.decline_code, 'insufficient_funds');
  assert.equal(error.payment_intent?.status, 'requires_payment_method');
});

test('states that forbid a step are told with the payment', async () => {
  const { stripe } = running;
  const created = await stripe.paymentIntents.create(paymentOf('s'));
  await stripe.paymentIntents.cancel(created.id);
  const rows = (await running.ledger()).filter((row) => row.orderId === 's');
  assert.deepEqual(
    rows.map((row) => row.authorized),
    [0],
    'what was voided is not authorised',
  );
  for (const step of [
    () => stripe.paymentIntents.capture(created.id),
    () => stripe.paymentIntents.cancel(created.id),
  ]) {
    const error = await rejection(step());
    assert.ok(error instanceof Stripe.errors.StripeInvalidRequestError);
    assert.equal(error.code, 'payment_intent_unexpected_state');
    assert.equal(error.payment_intent?.status, 'canceled');
  }
});

test('wrong parameters are named', async () => {
  const { stripe } = running;
  const cases: [Record<string, unknown>, string | undefined, string][] = [
    [{ colour: 'red' }, 'parameter_unknown', 'colour'],
    [{ payment_method_types: ['card'] }, 'parameter_unknown', 'payment_method_types'],
    [{ amount: undefined }, 'parameter_missing', 'amount'],
    [{ amount: 'ten' }, 'parameter_invalid_integer', 'amount'],
    [{ amount: 0 }, 'parameter_invalid_integer', 'amount'],
    [{ amount: -1 }, 'parameter_invalid_integer', 'amount'],
    [{ amount: 1.5 }, 'parameter_invalid_integer', 'amount'],
    [{ amount: 100_000_000 }, 'amount_too_large', 'amount'],
    [{ currency: 'euro' }, undefined, 'currency'],
    [{ capture_method: 'later' }, undefined, 'capture_method'],
    [{ payment_method: 'pm_unknown' }, 'resource_missing', 'payment_method'],
  ];
  for (const [change, code, param] of cases) {
    const parameters = { ...paymentOf('w'), ...change };
    const error = await rejection(stripe.paymentIntents.create(parameters));
    assert.ok(error instanceof Stripe.errors.StripeInvalidRequestError, JSON.stringify(change));
    assert.equal(error.statusCode, 400);
    assert.equal(error.code, code);
    assert.equal(error.param, param);
  }
});

test('unknown objects, keys and addresses are refused as Stripe does', async () => {
  const { stripe } = running;
  const missing = await rejection(stripe.paymentIntents.retrieve('pi_unknown'));
  assert.ok(missing instanceof Stripe.errors.StripeInvalidRequestError);
  assert.equal(missing.statusCode, 404);
  assert.equal(missing.code, 'resource_missing');
  const unknown = await rejection(stripe.customers.create({}));
  assert.equal((unknown as Stripe.errors.StripeError).statusCode, 404);
  const { hostname, port } = new URL(running.base);
  const stranger = new Stripe('sk_test_b', { host: hostname, port: Number(port), protocol: 'http' });
  const refused = await rejection(stranger.paymentIntents.retrieve('pi_unknown'));
  assert.ok(refused instanceof Stripe.errors.StripeAuthenticationError);
});

test('a key brings back the first answer, refuses another request, and keeps declines', async () => {
  const { stripe } = running;
  const idempotencyKey = randomUUID();
  const first = await stripe.paymentIntents.create(paymentOf('k'), { idempotencyKey });
  const second = await stripe.paymentIntents.create(paymentOf('k'), { idempotencyKey });
  assert.equal(second.id, first.id);
  const headers = second.lastResponse.headers;
  assert.equal(headers['idempotent-replayed'], 'true');
  assert.equal(headers['original-request'], first.lastResponse.requestId);
  for (const other of [
    () => stripe.paymentIntents.create(paymentOf('k', 'pm_card_visa', 1001), { idempotencyKey }),
    () => stripe.paymentIntents.capture(first.id, {}, { idempotencyKey }),
  ]) {
    const error = await rejection(other());
    assert.ok(error instanceof Stripe.errors.StripeIdempotencyError);
    assert.equal(error.statusCode, 400);
  }
  const declineKey = { idempotencyKey: randomUUID() };
  const decline = () => stripe.paymentIntents.create(paymentOf('k', 'pm_card_chargeDeclined'), declineKey);
  const [one, two] = [await rejection(decline()), await rejection(decline())];
  assert.equal(
    (one as Stripe.errors.StripeError).payment_intent?.id,
    (two as Stripe.errors.StripeError).payment_intent?.id,
  );
});

test('a key in use is a conflict for as long as it is', async () => {
  const { stripe } = running;
  const orderId = randomUUID();
  const idempotencyKey = randomUUID();
  const refused: unknown[] = [];
  // The first is under way until the stand-in is closed.
  for (let call = 0; call < 10; call += 1) {
    stripe.paymentIntents.create(paymentOf(orderId, 'pm_standin_very_slow'), { idempotencyKey }).then(
      () => assert.fail('it was answered'),
      (error: unknown) => refused.push(error),
    );
  }
  await until('all but the first to be refused', () => (refused.length === 9 ? true : undefined));
  for (const error of refused) {
    assert.ok(error instanceof Stripe.errors.StripeError);
    assert.deepEqual([error.statusCode, error.code], [409, 'idempotency_key_in_use']);
  }
  assert.deepEqual(
    (await running.ledger()).filter((row) => row.orderId === orderId),
    [],
  );
});

test('50 calls at once with one key make one payment', async () => {
  const { stripe } = running;
  const orderId = randomUUID();
  const idempotencyKey = randomUUID();
  const results = await Promise.allSettled(
    Array.from({ length: 50 }, () =>
      stripe.paymentIntents.create(paymentOf(orderId, 'pm_standin_slow'), { idempotencyKey }),
    ),
  );
  // Those that come after the first is done get its answer; until then they conflict.
  const made = new Set<string>();
  for (const result of results) {
    if (result.status === 'fulfilled') made.add(result.value.id);
    else assert.equal((result.reason as Stripe.errors.StripeError).statusCode, 409);
  }
  assert.equal(made.size, 1);
  const rows = (await running.ledger()).filter((row) => row.orderId === orderId);
  assert.deepEqual(
    rows.map((row) => row.authorized),
    [1000],
  );
});

test('a rejected parameter is not kept for the key', async () => {
  const idempotencyKey = randomUUID();
  const wrong = paymentOf('p', 'pm_card_visa', 0);
  await assert.rejects(running.stripe.paymentIntents.create(wrong, { idempotencyKey }));
  const right = await running.stripe.paymentIntents.create(paymentOf('p'), { idempotencyKey });
  assert.equal(right.status, 'requires_capture');
});

test('odd bodies get a 4xx and nothing else', async () => {
  for (const [body, type] of [
    ['%%%=&[]=1&a[=2', undefined],
    ['__proto__[x]=1&constructor[prototype][y]=2', undefined],
    ['a=1&a=2', undefined],
    [`metadata[a]=${'x'.repeat(600)}`, undefined],
    [Array.from({ length: 500 }, (_, index) => `a${index}=1`).join('&'), undefined],
    ['{"amount":1}', 'application/json'],
    ['x'.repeat(300 * 1024), undefined],
  ] as const) {
    const reply = await raw('/v1/payment_intents', body, type === undefined ? {} : { 'content-type': type });
    assert.ok(reply.status >= 400 && reply.status < 500, `${reply.status} for ${body.slice(0, 40)}`);
    assert.ok('error' in ((await reply.json()) as object));
  }
  assert.equal(({} as Record<string, unknown>)['x'], undefined);
});

async function rejection(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new assert.AssertionError({ message: 'The call succeeded' });
}
