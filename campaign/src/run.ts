/** A run: orders on one side, kills on the other, and a verdict from rows at the end. */
import { setTimeout as pause } from 'node:timers/promises';
import { demoAccounts, type Mesh } from '@ballast/lab';
import type { PaymentChoice } from '@ballast/contracts';
import { seededRandom } from '@ballast/testing';
import pg from 'pg';
import { judge, type LedgerLine, type Violation } from './judge.ts';
import { createShopper, type Placed, type Shopper } from './shopper.ts';

export interface RunOptions {
  orders: number;
  concurrency: number;
  killEvery: number;
  targets: readonly string[];
  declined: number;
  seed: number;
  /** Told of progress, in sentences. */
  say: (line: string) => void;
}

export interface Report {
  placed: number;
  refused: number;
  kills: Record<string, number>;
  ends: Record<string, number>;
  /** Seconds from the last kill until the last order had ended. */
  settledAfter: number;
  seconds: number;
  violations: Violation[];
}

const good: readonly PaymentChoice[] = [
  { provider: 'stripe', method: 'pm_card_visa' },
  { provider: 'paypal', method: 'paypal_approve' },
];
const bad: readonly PaymentChoice[] = [
  { provider: 'stripe', method: 'pm_card_chargeDeclined' },
  { provider: 'paypal', method: 'paypal_decline' },
];
/** An order that has not ended this long after the last fault never will (guarantee 1). */
const boundSeconds = 60;

/** Drives `mesh` and judges it. The mesh is left running. */
export async function run(mesh: Mesh, options: RunOptions): Promise<Report> {
  const random = seededRandom(options.seed);
  const pick = <Item>(items: readonly Item[]): Item => items[Math.floor(random() * items.length)]!;
  const shopper = await createShopper({
    bffUrl: mesh.urls['bff']!,
    identityUrl: mesh.urls['identity']!,
    ...demoAccounts[0]!,
  });
  const started = performance.now();
  try {
    const products = (await shopper.products()).filter((product) => product.onHand > 100);
    const placed: Placed[] = [];
    let refused = 0;
    let next = 0;
    const buyer = async (): Promise<void> => {
      while (next < options.orders) {
        next += 1;
        const lines = [...new Set([pick(products), pick(products), pick(products)])].map((product) => ({
          productId: product.productId,
          quantity: 1 + Math.floor(random() * 3),
        }));
        const payment = pick(random() < options.declined ? bad : good);
        try {
          const order = await shopper.order(lines, payment, boundSeconds * 1000);
          placed.push(order);
          // One after the other, as a customer does: `concurrency` is how many orders are on their way at a time.
          await shopper.end(order.orderId, boundSeconds * 1000);
        } catch (error) {
          refused += 1;
          options.say(`an order was refused: ${error instanceof Error ? error.message : String(error)}`);
        }
      }
    };
    let ordering = true;
    const buying = Promise.all(Array.from({ length: options.concurrency }, buyer)).finally(() => {
      ordering = false;
    });
    const kills: Record<string, number> = {};
    const replicasOf = (target: string) =>
      mesh.services.filter((name) => name === target || name.startsWith(`${target}-`));
    let lastKill = performance.now();
    if (options.killEvery > 0) {
      for (;;) {
        await Promise.race([pause(options.killEvery * 1000), buying]);
        if (!ordering) break;
        const victim = pick(replicasOf(pick(options.targets)));
        if (await mesh.kill(victim)) {
          kills[victim] = (kills[victim] ?? 0) + 1;
          lastKill = performance.now();
          options.say(`killed ${victim}; ${placed.length} of ${options.orders} orders placed`);
        }
      }
    }
    await buying;
    await mesh.waitUntilReady();
    const ends = await settle(shopper, placed, options.say);
    const settledAfter = (performance.now() - lastKill) / 1000;
    return {
      placed: placed.length,
      refused,
      kills,
      ends,
      settledAfter,
      seconds: (performance.now() - started) / 1000,
      violations: await verdict(mesh, placed),
    };
  } finally {
    await shopper.close();
  }
}

async function settle(
  shopper: Shopper,
  placed: readonly Placed[],
  say: (line: string) => void,
): Promise<Record<string, number>> {
  say(`${placed.length} orders placed; waiting for their ends`);
  const ends: Record<string, number> = {};
  const waiting = [...placed];
  const follow = async (): Promise<void> => {
    for (let order = waiting.pop(); order !== undefined; order = waiting.pop()) {
      const state = (await shopper.end(order.orderId, boundSeconds * 1000)) ?? 'not ended';
      ends[state] = (ends[state] ?? 0) + 1;
    }
  };
  await Promise.all(Array.from({ length: 10 }, follow));
  return ends;
}

/** Judges once the relays have had their five seconds; what is still wrong then is wrong. */
export async function verdict(mesh: Mesh, placed: readonly Placed[]): Promise<Violation[]> {
  const admin = new pg.Client({ connectionString: mesh.databaseUrl });
  await admin.connect();
  try {
    const deadline = Date.now() + 15_000;
    for (;;) {
      const response = await fetch(`${mesh.urls['payment-provider']}/ledger`, { signal: AbortSignal.timeout(10_000) });
      const violations = await judge(admin, (await response.json()) as LedgerLine[], placed);
      if (violations.length === 0 || Date.now() > deadline) return violations;
      await pause(500);
    }
  } finally {
    await admin.end();
  }
}
