// What survives a restart, what a torn or damaged journal does, and that the ledger is nobody's to write.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { buildStandIn } from '../src/app.ts';
import { orderOf, optionsFor, paymentOf, run, startReceiver, temporaryDirectory, until } from './harness.ts';

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
beforeEach(async () => {
  directory = await temporaryDirectory();
});
afterEach(() => directory.remove());

const journalPath = () => join(directory.path, 'journal.jsonl');

test('payments, the ledger, kept answers and the certificate survive a restart', async () => {
  const orderId = `o-${randomUUID()}\u2028with a line separator`;
  const idempotencyKey = randomUUID();
  const requestId = { 'paypal-request-id': randomUUID() };
  const first = await run(optionsFor(directory.path));
  const created = await first.stripe.paymentIntents.create(paymentOf(orderId), { idempotencyKey });
  await first.stripe.paymentIntents.capture(created.id);
  const order = await first.paypal('POST', '/v2/checkout/orders', orderOf(orderId), requestId);
  const ledger = await first.ledger();
  assert.equal(ledger.length, 2);
  await first.standIn.close();
  const certificate = await readFile(join(directory.path, 'paypal-webhook-certificate.pem'), 'utf8');

  const second = await run(optionsFor(directory.path));
  assert.deepEqual(await second.ledger(), ledger);
  const again = await second.stripe.paymentIntents.create(paymentOf(orderId), { idempotencyKey });
  assert.equal(again.id, created.id);
  assert.equal((await second.stripe.paymentIntents.retrieve(created.id)).status, 'succeeded');
  const same = await second.paypal('POST', '/v2/checkout/orders', orderOf(orderId), requestId);
  assert.equal(same.body.id, order.body.id);
  await second.stripe.refunds.create({ payment_intent: created.id });
  assert.equal((await second.ledger())[0]?.refunded, 1000);
  await second.standIn.close();
  assert.equal(await readFile(join(directory.path, 'paypal-webhook-certificate.pem'), 'utf8'), certificate);
});

test('a last line torn by a crash is cut off, and the journal goes on after it', async () => {
  const first = await run(optionsFor(directory.path));
  await first.stripe.paymentIntents.create(paymentOf('a'));
  await first.standIn.close();
  await appendFile(journalPath(), '[{"kind":"stripe.payment","id":"pi_torn","orderId":"torn"');
  const second = await run(optionsFor(directory.path));
  await second.stripe.paymentIntents.create(paymentOf('b'));
  await second.standIn.close();
  const third = await run(optionsFor(directory.path));
  assert.deepEqual(
    (await third.ledger()).map((row) => row.orderId),
    ['a', 'b'],
  );
  await third.standIn.close();
});

test('a journal damaged in the middle is not served', async () => {
  const first = await run(optionsFor(directory.path));
  await first.stripe.paymentIntents.create(paymentOf('a'));
  await first.standIn.close();
  await writeFile(journalPath(), `not json\n${await readFile(journalPath(), 'utf8')}`);
  await assert.rejects(buildStandIn(optionsFor(directory.path)), /damaged at line 1/);
});

test('webhooks not yet delivered are sent after a restart, those delivered are not', async () => {
  const receiver = await startReceiver();
  const first = await run(optionsFor(directory.path, receiver));
  await first.stripe.paymentIntents.create(paymentOf('delivered'));
  await until('the first webhook', () => receiver.received[0]);
  await until('its being recorded', async () => {
    const { webhooksPending } = (await (await fetch(`${first.base}/healthz`)).json()) as {
      webhooksPending: number;
    };
    return webhooksPending === 0 ? true : undefined;
  });
  receiver.answer = () => 503;
  await first.stripe.paymentIntents.create(paymentOf('pending'));
  await until('a refused attempt', () => receiver.received[1]);
  await first.standIn.close();
  await receiver.close();

  // Another one: what the first run has sent last may be read late.
  const later = await startReceiver();
  const second = await run(optionsFor(directory.path, later));
  const webhook = await until('the webhook', () => later.received[0]);
  assert.match(webhook.body, /"order_id":"pending"/);
  await second.standIn.close();
  assert.equal(later.received.length, 1);
  await later.close();
});

test('the ledger cannot be written, and nothing changes without the providers’ keys', async () => {
  const running = await run(optionsFor(directory.path));
  const payment = await running.stripe.paymentIntents.create(paymentOf('a'));
  const ledger = await running.ledger();
  for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) {
    const headers = { 'content-type': 'application/json' };
    const reply = await fetch(`${running.base}/ledger`, { method, headers, body: '[]' });
    assert.equal(reply.status, 404, method);
  }
  for (const path of [
    '/v1/payment_intents',
    `/v1/payment_intents/${payment.id}/capture`,
    `/v1/payment_intents/${payment.id}/cancel`,
    '/v1/refunds',
    '/v2/checkout/orders',
    '/v2/payments/authorizations/x/void',
  ]) {
    for (const authorization of ['', 'Bearer wrong', 'Basic d3Jvbmc6']) {
      const headers = authorization === '' ? {} : { authorization };
      const reply = await fetch(`${running.base}${path}`, { method: 'POST', headers });
      assert.equal(reply.status, 401, path);
    }
  }
  assert.deepEqual(await running.ledger(), ledger);
  await running.standIn.close();
});

test('only the newest answers are kept for their keys', async () => {
  const running = await run(optionsFor(directory.path, undefined, { maximumIdempotencyRecords: 2 }));
  const create = async (idempotencyKey: string) =>
    (await running.stripe.paymentIntents.create(paymentOf('a'), { idempotencyKey })).id;
  const ids = [await create('1'), await create('2'), await create('3')];
  assert.equal(await create('3'), ids[2]);
  assert.equal(await create('2'), ids[1]);
  assert.notEqual(await create('1'), ids[0]);
  await running.standIn.close();
});
