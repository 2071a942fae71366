// Webhooks are brought until they are taken, as the real ones are.

import assert from 'node:assert/strict';
import { randomUUID, verify, X509Certificate } from 'node:crypto';
import { afterEach, beforeEach, test } from 'node:test';
import { crc32 } from 'node:zlib';
import {
  orderOf,
  optionsFor,
  paymentOf,
  run,
  startReceiver,
  temporaryDirectory,
  until,
  type Receiver,
  type Running,
} from './harness.ts';

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let receiver: Receiver;
let running: Running;
beforeEach(async () => {
  directory = await temporaryDirectory();
  receiver = await startReceiver();
  running = await run(optionsFor(directory.path, receiver));
});
afterEach(async () => {
  await running.standIn.close();
  await receiver.close();
  await directory.remove();
});

const received = (count: number) =>
  until(`${count} webhooks`, () => (receiver.received.length >= count ? receiver.received : undefined));
const pending = async (): Promise<number> => {
  const reply = await fetch(`${running.base}/healthz`);
  return ((await reply.json()) as { webhooksPending: number }).webhooksPending;
};
const allDone = () => until('no webhook to be pending', async () => ((await pending()) === 0 ? true : undefined));

test('the SDK accepts Stripe’s signature', async () => {
  await running.stripe.paymentIntents.create(paymentOf('a'));
  const [webhook] = await received(1);
  const signature = String(webhook?.headers['stripe-signature']);
  const event = running.stripe.webhooks.constructEvent(webhook?.body ?? '', signature, 'whsec_a');
  assert.equal(event.type, 'payment_intent.amount_capturable_updated');
});

test('PayPal’s signature fits the certificate it names', async () => {
  const headers = { 'paypal-request-id': randomUUID() };
  await running.paypal('POST', '/v2/checkout/orders', orderOf('a'), headers);
  const [webhook] = await received(1);
  assert.ok(webhook);
  const header = (name: string): string => String(webhook.headers[name]);
  const url = header('paypal-cert-url');
  assert.ok(url.startsWith(`${running.base}/v1/notifications/certs/CERT-`));
  const certificate = new X509Certificate(await (await fetch(url)).text());
  const signed = [
    header('paypal-transmission-id'),
    header('paypal-transmission-time'),
    'WEBHOOK-1',
    crc32(webhook.body),
  ].join('|');
  const signature = Buffer.from(header('paypal-transmission-sig'), 'base64');
  assert.ok(verify('sha256', Buffer.from(signed), certificate.publicKey, signature));
  assert.equal(header('paypal-auth-algo'), 'SHA256withRSA');
});

test('what is not taken comes again, the same event newly signed, until it is', async () => {
  let refusals = 3;
  receiver.answer = () => [200, 500, 0, 503][refusals--] ?? 200;
  await running.stripe.paymentIntents.create(paymentOf('a'));
  const webhooks = await received(4);
  await allDone();
  assert.equal(webhooks.length, 4);
  assert.equal(new Set(webhooks.map((webhook) => webhook.id)).size, 1);
});

test('what is refused five times is given up', async () => {
  receiver.answer = () => 400;
  await running.stripe.paymentIntents.create(paymentOf('a'));
  await received(5);
  await allDone();
  assert.equal(receiver.received.length, 5);
});

test('one webhook that never gets through does not hold up the others', async () => {
  receiver.answer = (webhook) => (webhook.body.includes('poison') ? 500 : 200);
  await running.stripe.paymentIntents.create(paymentOf('poison'));
  for (let index = 0; index < 20; index += 1) {
    await running.stripe.paymentIntents.create(paymentOf(`good-${index}`));
  }
  await until('the good ones', () => {
    const good = receiver.received.filter((webhook) => webhook.body.includes('good-'));
    return new Set(good.map((webhook) => webhook.id)).size === 20 ? true : undefined;
  });
  // The last of them may have been taken and not been noted yet.
  await until('only the bad one to be pending', async () => ((await pending()) === 1 ? true : undefined));
});

test('a receiver that is down is asked one webhook at a time, and gets all of them afterwards', async () => {
  let attempts = 0;
  let active = 0;
  let mostActive = 0;
  receiver.answer = async () => {
    attempts += 1;
    active += 1;
    // The first ones were sent before any had failed.
    if (attempts > 20) mostActive = Math.max(mostActive, active);
    await new Promise((resolve) => setTimeout(resolve, 5));
    active -= 1;
    return 503;
  };
  await Promise.all(
    Array.from({ length: 100 }, (_, index) => running.stripe.paymentIntents.create(paymentOf(`order-${index}`))),
  );
  await until('some attempts', () => (attempts > 30 ? true : undefined));
  assert.equal(mostActive, 1);
  assert.ok(attempts < 100, 'not all of them are tried');
  receiver.received.length = 0;
  receiver.answer = () => 200;
  await allDone();
  assert.equal(new Set(receiver.received.map((webhook) => webhook.id)).size, 100);
});
