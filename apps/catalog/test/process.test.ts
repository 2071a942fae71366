import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomUUIDv7 } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import { after, afterEach, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { command, openBench, until, type Bench } from './support.ts';

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));

interface Process {
  pid: number;
  lines: { level: number; msg: string }[];
  errors: string[];
  /** How it ended. */
  ended: Promise<{ code: number | null; signal: string | null }>;
  kill(signal: NodeJS.Signals): void;
}

describe('the catalog process', () => {
  let bench: Bench;
  const running = new Set<Process>();
  before(async () => {
    bench = await openBench();
  });
  afterEach(async () => {
    for (const process of running) {
      process.kill('SIGKILL');
      await process.ended;
    }
  });
  after(() => bench.close());

  function start(settings: Record<string, string> = {}): Process {
    const child = spawn(process.execPath, [main], {
      env: { ...bench.environment, PORT: '0', INSTANCE: 'catalog-1', LAB_MODE: '1', ...settings },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const lines: Process['lines'] = [];
    const errors: string[] = [];
    createInterface({ input: child.stdout }).on('line', (line) => lines.push(JSON.parse(line) as Process['lines'][0]));
    createInterface({ input: child.stderr }).on('line', (line) => errors.push(line));
    const started: Process = {
      pid: child.pid!,
      lines,
      errors,
      ended: once(child, 'close').then(([code, signal]) => {
        running.delete(started);
        return { code: code as number | null, signal: signal as string | null };
      }),
      kill: (signal) => void child.kill(signal),
    };
    running.add(started);
    return started;
  }
  const ready = (process: Process): Promise<unknown> =>
    until('the process is ready', () => process.lines.find((line) => line.msg === 'ready'));

  it('starts, answers, and ends on SIGTERM with exit code 0, without a word above info', async () => {
    const port = await freePort();
    const process = start({ PORT: String(port) });
    await ready(process);
    assert.equal((await fetch(`http://127.0.0.1:${port}/readyz`)).status, 200);
    assert.equal((await fetch(`http://127.0.0.1:${port}/products`)).status, 200);
    process.kill('SIGTERM');
    assert.deepEqual(await process.ended, { code: 0, signal: null });
    assert.deepEqual(
      process.lines.filter((line) => line.level > 30),
      [],
    );
    assert.deepEqual(process.errors, []);
  });

  it('names a setting that is wrong in one sentence, with exit code 1', async () => {
    const process = start({ RESERVATION_SECONDS: 'soon' });
    assert.equal((await process.ended).code, 1);
    assert.equal(process.errors.length, 1);
    assert.match(process.errors[0]!, /^catalog: RESERVATION_SECONDS: /);
  });

  for (const point of ['before-commit', 'after-commit', 'after-publish', 'before-ack']) {
    it(`does all orders once although it is killed at ${point}`, async () => {
      const count = 25;
      const orders = Array.from({ length: count }, () => randomUUIDv7());
      const doomed = start({ FAULTS: `${point}=crash@4` });
      await ready(doomed);
      const productId = await bench.addProduct({ onHand: 100 });
      for (const orderId of orders) {
        await bench.publish(command('ReserveStock', orderId, [{ productId, quantity: 2 }]));
        // One at a time, because together they would pass the point only once.
        await until('it answers or dies', () => !running.has(doomed) || bench.events(orderId).length > 0);
      }
      assert.deepEqual(await doomed.ended, { code: null, signal: 'SIGKILL' });
      const told = bench.events().length;
      assert.ok(
        orders.some((orderId) => bench.events(orderId).length === 0),
        `${told} were told: it died in the middle`,
      );

      const next = start();
      await ready(next);
      for (const orderId of orders) {
        const events = await bench.heard(orderId);
        assert.deepEqual([...new Set(events.map((event) => event.type))], ['StockReserved']);
      }
      for (const orderId of orders) {
        const ids = bench.events(orderId).map((event) => event.id);
        assert.equal(new Set(ids).size, 1, 'one event, however often it is told');
      }
      assert.deepEqual(await bench.pieces(productId), { initial: 100, on_hand: 50, reserved: 50, sold: 0 });
      await bench.assertBooksBalance();
    });
  }
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
