// PayPal's side, call by call.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { never, orderOf, optionsFor, run, temporaryDirectory, until, type Running } from './harness.ts';

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let running: Running;
before(async () => {
  directory = await temporaryDirectory();
  running = await run(optionsFor(directory.path));
});
after(async () => {
  await running.standIn.close();
  await directory.remove();
});

const withId = (id: string = randomUUID()) => ({ 'paypal-request-id': id });

async function newAuthorization(orderId: string): Promise<{ order: string; authorization: string }> {
  const { status, body } = await running.paypal('POST', '/v2/checkout/orders', orderOf(orderId), withId());
  assert.equal(status, 201);
  assert.equal(body.status, 'COMPLETED');
  const [authorization] = body.purchase_units[0].payments.authorizations;
  assert.equal(authorization.status, 'CREATED');
  return { order: body.id, authorization: authorization.id };
}

test('an order is authorised in one step, captured, and refunded in parts', async () => {
  const orderId = randomUUID();
  const { order, authorization } = await newAuthorization(orderId);
  const amount = { currency_code: 'EUR', value: '10.00' };
  const path = `/v2/payments/authorizations/${authorization}/capture`;
  const capture = await running.paypal('POST', path, { amount, final_capture: true }, withId());
  assert.equal(capture.status, 201);
  assert.equal(capture.body.status, 'COMPLETED');
  assert.deepEqual(capture.body.amount, amount);
  assert.equal(capture.body.custom_id, orderId);
  const refundPath = `/v2/payments/captures/${capture.body.id}/refund`;
  const part = { amount: { currency_code: 'EUR', value: '4.00' } };
  assert.equal((await running.paypal('POST', refundPath, part, withId())).status, 201);
  const rest = await running.paypal('POST', refundPath, undefined, withId());
  assert.equal(rest.body.amount.value, '6.00');
  assert.equal(rest.body.seller_payable_breakdown.total_refunded_amount.value, '10.00');
  const more = await running.paypal('POST', refundPath, part, withId());
  assert.equal(more.body.details[0].issue, 'CAPTURE_FULLY_REFUNDED');
  const found = await running.paypal('GET', `/v2/checkout/orders/${order}`);
  assert.equal(found.body.purchase_units[0].payments.captures[0].status, 'REFUNDED');
  assert.deepEqual(
    (await running.ledger()).find((row) => row.orderId === orderId),
    { orderId, provider: 'paypal', currency: 'EUR', authorized: 1000, captured: 1000, refunded: 1000 },
  );
});

test('a void answers 204 without a body and cannot be followed by a capture', async () => {
  const { authorization } = await newAuthorization(randomUUID());
  const path = `/v2/payments/authorizations/${authorization}`;
  const voided = await running.paypal('POST', `${path}/void`, undefined, { prefer: 'return=minimal' });
  assert.deepEqual(voided, { status: 204, body: undefined });
  const again = await running.paypal('POST', `${path}/void`);
  assert.equal(again.body.details[0].issue, 'PREVIOUSLY_VOIDED');
  const late = await running.paypal('POST', `${path}/capture`, {}, withId());
  assert.equal(late.body.details[0].issue, 'AUTHORIZATION_VOIDED');
});

test('a request id brings back the first result, even for another body', async () => {
  const headers = withId();
  const first = await running.paypal('POST', '/v2/checkout/orders', orderOf('r'), headers);
  const other = orderOf('r', 'paypal_approve', '99.00');
  const second = await running.paypal('POST', '/v2/checkout/orders', other, headers);
  assert.deepEqual(second.body, first.body);
});

test('while a call is under way, others with its request id are told to wait', async () => {
  const own = await temporaryDirectory();
  const held = await run(optionsFor(own.path, undefined, { delays: { slow: never } }));
  const headers = withId();
  const statuses: number[] = [];
  const calls = Array.from({ length: 10 }, async () => {
    const body = orderOf('h', 'paypal_standin_slow');
    const { status } = await held.paypal('POST', '/v2/checkout/orders', body, headers);
    statuses.push(status);
  });
  await until('all but the first to be answered', () => (statuses.length === 9 ? true : undefined));
  assert.deepEqual([...new Set(statuses)], [409]);
  assert.deepEqual(await held.ledger(), []);
  await held.standIn.close();
  await Promise.all(calls);
  await own.remove();
});

test('concurrent calls with one request id make one order', async () => {
  const headers = withId();
  const orderId = randomUUID();
  const body = orderOf(orderId, 'paypal_standin_slow');
  const replies = await Promise.all(
    Array.from({ length: 10 }, () => running.paypal('POST', '/v2/checkout/orders', body, headers)),
  );
  const made = replies.filter((reply) => reply.status === 201);
  assert.equal(new Set(made.map((reply) => reply.body.id)).size, 1);
  const waiting = replies.filter((reply) => reply.status === 409);
  assert.equal(made.length + waiting.length, 10);
  const rows = (await running.ledger()).filter((row) => row.orderId === orderId);
  assert.deepEqual(
    rows.map((row) => row.authorized),
    [1000],
  );
});

test('declines and mocked errors use PayPal’s envelope', async () => {
  const create = (vaultId: string, headers = {}) =>
    running.paypal('POST', '/v2/checkout/orders', orderOf('d', vaultId), { ...withId(), ...headers });
  const mock = { 'paypal-mock-response': '{"mock_application_codes":"INSTRUMENT_DECLINED"}' };
  for (const reply of [await create('paypal_decline'), await create('paypal_approve', mock)]) {
    assert.equal(reply.status, 422);
    assert.equal(reply.body.name, 'UNPROCESSABLE_ENTITY');
    assert.equal(reply.body.details[0].issue, 'INSTRUMENT_DECLINED');
    assert.match(reply.body.debug_id, /^[0-9a-f]{13}$/);
  }
});

test('wrong requests get PayPal’s 4xx', async () => {
  const create = (body: unknown, headers: Record<string, string> = withId()) =>
    running.paypal('POST', '/v2/checkout/orders', body, headers);
  const valued = (value: string) => orderOf('w', 'paypal_approve', value);
  for (const [reply, status, issue] of [
    [await create(orderOf('w'), {}), 400, 'PAYPAL_REQUEST_ID_REQUIRED'],
    [await create({}), 400, 'MISSING_REQUIRED_PARAMETER'],
    [await create({ ...orderOf('w'), intent: 'CAPTURE' }), 400, 'INVALID_PARAMETER_VALUE'],
    [await create(valued('1.234')), 422, 'DECIMAL_PRECISION'],
    [await create(valued('-1')), 422, 'DECIMAL_PRECISION'],
    [await create(valued('0.00')), 422, 'CANNOT_BE_ZERO_OR_NEGATIVE'],
    [await create(orderOf('w', 'nobody')), 404, 'INVALID_RESOURCE_ID'],
    [await running.paypal('GET', '/v2/checkout/orders/UNKNOWN'), 404, 'INVALID_RESOURCE_ID'],
    [await running.paypal('POST', '/v2/something/else', {}), 404, 'INVALID_RESOURCE_ID'],
  ] as const) {
    assert.equal(reply.status, status);
    assert.equal(reply.body.details[0].issue, issue);
  }
  const broken = await fetch(`${running.base}/v2/checkout/orders`, {
    method: 'POST',
    headers: { authorization: 'Bearer nonsense', 'content-type': 'application/json' },
    body: '{',
  });
  assert.equal(broken.status, 401, 'who is asking comes before what is asked');
});

test('tokens are given to the right client only', async () => {
  const ask = (credentials: string, grant = 'client_credentials') =>
    fetch(`${running.base}/v1/oauth2/token`, {
      method: 'POST',
      headers: { authorization: `Basic ${Buffer.from(credentials).toString('base64')}` },
      body: new URLSearchParams({ grant_type: grant }),
    });
  assert.equal((await ask('client:secret')).status, 200);
  assert.equal((await ask('client:wrong')).status, 401);
  assert.equal((await ask('client:secret', 'password')).status, 400);
});
