// The stand-in as a process: started by its environment, ended by signals, killed at any moment.

import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { afterEach, beforeEach, test } from 'node:test';
import { Stripe } from 'stripe';
import { paymentOf, temporaryDirectory, until, type LedgerRow } from './harness.ts';

const MAIN = new URL('../src/main.ts', import.meta.url).pathname;

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
const children: ChildProcess[] = [];
beforeEach(async () => {
  directory = await temporaryDirectory();
});
afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
  }
  await directory.remove();
});

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => {
    server.close(resolve);
  });
  return port;
}

function start(environment: Record<string, string>): { child: ChildProcess; output: () => string } {
  const child = spawn(process.execPath, [MAIN], {
    env: { PATH: process.env['PATH'] ?? '', ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  children.push(child);
  let text = '';
  child.stdout?.on('data', (chunk: Buffer) => (text += chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => (text += chunk.toString()));
  return { child, output: () => text };
}

const environmentFor = (port: number): Record<string, string> => ({
  PORT: String(port),
  DATA_DIR: directory.path,
  STRIPE_SECRET_KEY: 'sk_test_a',
  STRIPE_WEBHOOK_SECRET: 'whsec_a',
  PAYPAL_CLIENT_ID: 'client',
  PAYPAL_CLIENT_SECRET: 'secret',
  PAYPAL_WEBHOOK_ID: 'WEBHOOK-1',
});

async function healthy(port: number): Promise<void> {
  await until(
    'the stand-in to answer',
    async () => {
      const reply = await fetch(`http://127.0.0.1:${port}/healthz`).catch(() => undefined);
      return reply?.status === 200 ? true : undefined;
    },
    10_000,
  );
}

async function ledgerAt(port: number): Promise<LedgerRow[]> {
  return (await (await fetch(`http://127.0.0.1:${port}/ledger`)).json()) as LedgerRow[];
}

test('SIGTERM ends it with 0, and a healthy run logs no warning', async () => {
  const port = await freePort();
  const { child, output } = start(environmentFor(port));
  await healthy(port);
  child.kill('SIGTERM');
  const [code] = (await once(child, 'exit')) as [number];
  assert.equal(code, 0);
  assert.doesNotMatch(output(), /"level":[4-6]0|[Ww]arning/);
});

test('every payment that was answered is still there after SIGKILL', async () => {
  const port = await freePort();
  const first = start(environmentFor(port));
  await healthy(port);
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
      if (answered.length === 200) first.child.kill('SIGKILL');
    }
  };
  await Promise.all(Array.from({ length: 8 }, worker));
  assert.ok(answered.length >= 200);
  start(environmentFor(port));
  await healthy(port);
  const known = new Set((await ledgerAt(port)).map((row) => row.orderId));
  assert.deepEqual(
    answered.filter((orderId) => !known.has(orderId)),
    [],
  );
});

test('what is wrong with the environment is named in one sentence', async () => {
  const { child, output } = start({ ...environmentFor(1), PORT: 'ten', DATA_DIR: '' });
  const [code] = (await once(child, 'exit')) as [number];
  assert.equal(code, 1);
  assert.match(output(), /PORT/);
  assert.match(output(), /DATA_DIR/);
  assert.doesNotMatch(output(), / at /);
});

test('a port that is taken is said so, without a stack trace', async () => {
  const port = await freePort();
  start(environmentFor(port));
  await healthy(port);
  const other = await temporaryDirectory();
  const second = start({ ...environmentFor(port), DATA_DIR: other.path });
  const [code] = (await once(second.child, 'exit')) as [number];
  assert.equal(code, 1);
  assert.match(second.output(), /EADDRINUSE/);
  await other.remove();
});
