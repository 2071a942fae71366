/** Whole orders through HTTP, both providers in turn: from the first request until the order has ended. */
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createShopper } from '@ballast/campaign';
import { demoAccounts, startMesh } from '@ballast/lab';
import type { BenchContext } from './context.ts';
import { measure, range } from './measure.ts';

const aim = 150;
const atOnce = 64;

export async function ordersBench({ rounds, roundMs, say }: BenchContext): Promise<string> {
  const dataDirectory = await mkdtemp(join(import.meta.dirname, '../../.lab-bench-'));
  say('starting a mesh of its own');
  const unlimited = { RATE_LIMIT_BURST: '1000000', RATE_LIMIT_PER_SECOND: '1000000' };
  const mesh = await startMesh({
    dataDirectory,
    portBase: 7_300,
    parts: 'native',
    serviceEnvironment: { bff: unlimited },
  });
  try {
    const shopper = await createShopper({
      bffUrl: mesh.urls['bff']!,
      identityUrl: mesh.urls['identity']!,
      ...demoAccounts[0]!,
    });
    const products = (await shopper.products()).filter((product) => product.onHand > 0);
    const payments = [
      { provider: 'stripe', method: 'pm_card_visa' },
      { provider: 'paypal', method: 'paypal_approve' },
    ] as const;
    let count = 0;
    let completed = 0;
    const [measured] = await measure(
      [
        {
          name: 'orders',
          pids: [],
          run: async (milliseconds) => {
            const until = performance.now() + milliseconds;
            let ended = 0;
            const buyer = async (): Promise<void> => {
              while (performance.now() < until) {
                count += 1;
                const { productId } = products[count % products.length]!;
                const order = await shopper.order([{ productId, quantity: 1 }], payments[count % 2]!, 30_000);
                if ((await shopper.end(order.orderId, 30_000)) === 'Completed') completed += 1;
                ended += 1;
              }
            };
            await Promise.all(Array.from({ length: atOnce }, buyer));
            return ended;
          },
        },
      ],
      { rounds, roundMs, say },
    );
    await shopper.close();
    const rate = measured!.rates.toSorted((a, b) => a - b)[Math.floor(measured!.rates.length / 2)]!;
    return [
      `### Whole orders through HTTP, ${atOnce} at once, both providers`,
      '',
      `${range(measured!.rates)} a second (aim ≥ ${aim}: ${rate >= aim ? 'met' : 'MISSED'}); ${completed} of ${count} completed`,
    ].join('\n');
  } finally {
    await mesh.stop();
    await rm(dataDirectory, { recursive: true, force: true });
  }
}
