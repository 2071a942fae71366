// The stand-in as a process: started by its environment, ended by signals, killed at any moment.

import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { freePort, spawnService, until, type ServiceProcess } from '@ballast/testing';
import { Stripe } from 'stripe';
import { paymentOf, temporaryDirectory, type LedgerRow } from './harness.ts';

const MAIN = new URL('../src/main.ts', import.meta.url).pathname;

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
const started: ServiceProcess[] = [];
beforeEach(async () => {
  directory = await temporaryDirectory();
});
afterEach(async () => {
  for (const standIn of started.splice(0)) await standIn.end('SIGKILL');
  await directory.remove();
});

/** Starts it on a free port, or as `changes` say. */
async function start(changes: Record<string, string> = {}): Promise<ServiceProcess> {
  const standIn = await spawnService(MAIN, {
    DATA_DIR: directory.path,
    STRIPE_SECRET_KEY: 'sk_test_a',
    STRIPE_WEBHOOK_SECRET: 'whsec_a',
    PAYPAL_CLIENT_ID: 'client',
    PAYPAL_CLIENT_SECRET: 'secret',
    PAYPAL_WEBHOOK_ID: 'WEBHOOK-1',
    ...changes,
  });
  started.push(standIn);
  return standIn;
}

const ask = (url: string): Promise<Response> => fetch(url, { signal: AbortSignal.timeout(30_000) });

async function healthy(standIn: ServiceProcess): Promise<void> {
  await until('the stand-in to answer', async () => standIn.gone || (await ask(`${standIn.url}/healthz`)).ok);
  assert.ok(!standIn.gone, `it has ended:\n${standIn.lines.join('\n')}`);
}

async function ledgerOf({ url }: ServiceProcess): Promise<LedgerRow[]> {
  return (await (await ask(`${url}/ledger`)).json()) as LedgerRow[];
}

test('SIGTERM ends it with 0, and a healthy run logs no warning', async () => {
  const standIn = await start();
  await healthy(standIn);
  const { code } = await standIn.end('SIGTERM');
  assert.equal(code, 0);
  assert.doesNotMatch(standIn.lines.join('\n'), /"level":[4-6]0|[Ww]arning/);
});

test('every payment that was answered is still there after SIGKILL', async () => {
  const port = await freePort();
  const first = await start({ PORT: String(port) });
  await healthy(first);
  const stripe = new Stripe('sk_test_a', {
    host: '127.0.0.1',
    port,
    protocol: 'http',
    maxNetworkRetries: 0,
    telemetry: false,
  });
  const answered: string[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    for (;;) {
      const orderId = `order-${(next += 1)}`;
      const result = await stripe.paymentIntents.create(paymentOf(orderId)).catch(() => undefined);
      if (result === undefined) return;
      answered.push(orderId);
      if (answered.length === 200) process.kill(first.pid, 'SIGKILL');
    }
  };
  await Promise.all(Array.from({ length: 8 }, worker));
  assert.equal((await first.ended).signal, 'SIGKILL');
  assert.ok(answered.length >= 200);
  const second = await start({ PORT: String(port) });
  await healthy(second);
  const known = new Set((await ledgerOf(second)).map((row) => row.orderId));
  assert.deepEqual(
    answered.filter((orderId) => !known.has(orderId)),
    [],
  );
});

test('what is wrong with the environment is named in one sentence', async () => {
  const standIn = await start({ PORT: 'ten', DATA_DIR: '' });
  const { code } = await standIn.ended;
  const output = standIn.lines.join('\n');
  assert.equal(code, 1);
  assert.match(output, /PORT/);
  assert.match(output, /DATA_DIR/);
  assert.doesNotMatch(output, / at /);
});

test('a port that is taken is said so, without a stack trace', async () => {
  const port = await freePort();
  await healthy(await start({ PORT: String(port) }));
  const other = await temporaryDirectory();
  const second = await start({ PORT: String(port), DATA_DIR: other.path });
  const { code } = await second.ended;
  assert.equal(code, 1);
  assert.match(second.lines.join('\n'), /EADDRINUSE/);
  await other.remove();
});
