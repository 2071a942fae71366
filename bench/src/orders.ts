/** Whole orders through HTTP, both providers in turn: from the first request until the order has ended. */
import { createShopper, openMesh } from '@ballast/campaign';
import { demoAccounts } from '@ballast/lab';
import type { BenchContext } from './context.ts';
import { cpuMilliseconds, type Contender, measure, median, range } from './measure.ts';

const aim = 150;
const atOnce = 64;
/** Nine processes that have just started: their rate climbs for about 20 s until the code that matters is compiled. */
const warmUpMs = 20_000;

export async function ordersBench({
  rounds,
  roundMs,
  say,
}: Pick<BenchContext, 'rounds' | 'roundMs' | 'say'>): Promise<string> {
  say('starting a mesh of its own');
  const { thing: mesh, close } = await openMesh({ portBase: 7_300, disposable: false });
  try {
    const shopper = await createShopper({
      bffUrl: mesh.urls['bff']!,
      identityUrl: mesh.urls['identity']!,
      ...demoAccounts[0]!,
    });
    // Those with a few pieces would be sold out at once, and their orders undone.
    const products = (await shopper.products()).filter((product) => product.onHand >= 200);
    const payments = [
      { provider: 'stripe', method: 'pm_card_visa' },
      { provider: 'paypal', method: 'paypal_approve' },
    ] as const;
    let count = 0;
    const ends = new Map<string, number>();
    const cpu = (): Map<string, number> =>
      new Map(
        mesh
          .status()
          .flatMap(({ name, process }) => (process === null ? [] : [[name, cpuMilliseconds([process.pid])] as const])),
      );
    const orders: Contender = {
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
            const end = (await shopper.end(order.orderId, 30_000)) ?? 'not in time';
            ends.set(end, (ends.get(end) ?? 0) + 1);
            ended += 1;
          }
        };
        await Promise.all(Array.from({ length: atOnce }, buyer));
        return ended;
      },
    };
    say('warming up');
    await orders.run(warmUpMs);
    count = 0;
    ends.clear();
    const before = cpu();
    const ownBefore = process.cpuUsage();
    const [measured] = await measure([orders], { rounds, roundMs, parts: [], say });
    const spent = [...cpu()]
      .map(([name, milliseconds]) => ({ name, each: (milliseconds - (before.get(name) ?? 0)) / count }))
      .sort((a, b) => b.each - a.each);
    const own = process.cpuUsage(ownBefore);
    spent.push({ name: 'the buyers', each: (own.user + own.system) / 1000 / count });
    await shopper.close();
    const rate = median(measured!.rates);
    return [
      `### Whole orders through HTTP, ${atOnce} at once, both providers`,
      '',
      `${range(measured!.rates)} a second (aim ≥ ${aim}: ${rate >= aim ? 'met' : 'MISSED'}); ended: ${[...ends].map(([state, many]) => `${many} ${state}`).join(', ')}`,
      '',
      `CPU per order, in ms: ${spent
        .filter(({ each }) => each >= 0.05)
        .map(({ name, each }) => `${name} ${each.toFixed(1)}`)
        .join(', ')}`,
    ].join('\n');
  } finally {
    await close();
  }
}
