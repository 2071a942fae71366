/** One world from a seed: customers, the shop, two checkouts, catalog, payments, and trouble; then rest; then the judge. */
import type { SagaDefinition } from '@ballast/saga';
import { catalog, CatalogTables } from './catalog.ts';
import { checkout, CheckoutTables, type CheckoutDoor, type OrderRequest } from './checkout.ts';
import { Customers } from './customer.ts';
import { placeOrder, type OrderContext } from './domains.ts';
import { Effects } from './effects.ts';
import { judge } from './judge.ts';
import { Operator } from './operator.ts';
import { payments, PaymentTables, type PaymentsDoor } from './payments.ts';
import { methods, Provider, type Method, type Webhook } from './provider.ts';
import { shop, ShopTables, Turns, type ShopDoor } from './shop.ts';
import { Life } from './timeline.ts';
import { Trouble } from './trouble.ts';
import { Witness } from './witness.ts';
import { Process, World } from './world.ts';

/** What a world came to. */
export interface Outcome {
  seed: number;
  violations: string[];
  /** How often each kind of trouble struck. */
  trouble: Record<string, number>;
  /** Orders by the state they ended in. */
  ends: Record<string, number>;
  replays: number;
  decisions: number;
  steps: number;
  /** Virtual ms from the end of all trouble to rest, 0 where an operator had to help. */
  recoveryMs: number;
}

export interface SimulateOptions {
  /** Is told, line by line, what happens. */
  trace?: (line: string) => void;
  /** The saga to run; the real one unless a test wants to see what a worse one leads to. */
  definition?: SagaDefinition<OrderContext>;
}

/** A world that is not at rest by then never will be. */
const mostSteps = 60_000;

/** Runs the world of a seed. The same seed is the same world, step by step. */
export async function simulate(seed: number, options: SimulateOptions = {}): Promise<Outcome> {
  const { definition = placeOrder } = options;
  const effects = new Effects();
  const tables = {
    shop: new ShopTables(),
    checkout: new CheckoutTables(definition),
    catalog: new CatalogTables(),
    payments: new PaymentTables(),
  };
  const outboxes = [tables.checkout.outbox, tables.catalog.outbox, tables.payments.outbox];
  const witness = new Witness(definition, tables.checkout.sagas, outboxes);
  const world = new World(seed, witness, options.trace);
  const { chance, timeline } = world;

  const provider = new Provider(world, (webhook) => deliver(webhook, chance.between(0, 3_000)));
  const pays = new Process<PaymentsDoor>('payments', timeline, payments(world, tables.payments, { effects, provider }));
  const outside = new Life('provider', timeline);
  const deliver = (webhook: Webhook, afterMs: number): void =>
    void timeline.after(afterMs, outside, () => {
      world
        .call(outside, pays, 5_000, (door) => door.webhook(webhook))
        .catch(() => deliver(webhook, chance.between(500, 3_000)));
    });
  const checkouts = ['checkout-1', 'checkout-2'].map(
    (name) => new Process<CheckoutDoor>(name, timeline, checkout(world, tables.checkout, definition)),
  );
  const reservationSeconds = chance.pick([900, 900, 60, 20]);
  const catalogs = (chance.hit(0.3) ? ['catalog-1', 'catalog-2'] : ['catalog-1']).map(
    (name) => new Process(name, timeline, catalog(world, tables.catalog, { effects, reservationSeconds })),
  );
  const turns = new Turns(world);
  const shops = ['shop-1', 'shop-2'].map(
    (name) => new Process<ShopDoor>(name, timeline, shop(world, tables.shop, { checkouts, turns })),
  );
  const processes = [...checkouts, ...catalogs, pays, ...shops];
  for (const process of processes) process.start();

  for (const id of ['p1', 'p2']) {
    const initial = 1 + chance.below(4);
    tables.catalog.products.rows.set(id, { initial, onHand: initial, reserved: 0, sold: 0 });
  }
  const customers = new Customers(world, shops);
  for (const request of wishes(world)) customers.order(request, chance.between(0, 50));
  if (chance.hit(0.3))
    for (let window = 0; window <= chance.below(2); window += 1) customers.voucher('voucher-1', window);

  const trouble = new Trouble(world, processes);
  const operator = new Operator(world, checkouts, tables.checkout);
  let healedAt = Infinity;
  const atRest = (): boolean =>
    outboxes.every((outbox) => outbox.outbox.rows.size === 0) &&
    tables.payments.due() === Infinity &&
    tables.checkout.sagas.due() === Infinity;
  const steps = await timeline.run(
    () => {
      let due = Math.min(tables.checkout.sagas.due(), tables.payments.due(), tables.catalog.due());
      for (const outbox of outboxes) due = Math.min(due, outbox.due());
      return due;
    },
    () => {
      if (!trouble.over) trouble.giveUp();
      return operator.work() || !atRest();
    },
    (life) => {
      if (world.weather.healed) healedAt = Math.min(healedAt, timeline.now);
      else trouble.afterStep(life);
    },
    mostSteps,
  );

  const violations = [...world.violations, ...witness.violations];
  if (steps === mostSteps || customers.waiting > 0)
    violations.push(`rest: after ${steps} steps ${customers.waiting} customers still wait for an answer`);
  const deadLetters = world.bus.queues.flatMap((queue) => queue.dead);
  violations.push(
    ...judge({
      ...tables,
      definition,
      provider,
      effects,
      told: customers.told,
      arrived: witness.arrivals,
      settledByHand: operator.settledByHand,
      deadLetters,
    }),
  );
  const ends: Record<string, number> = {};
  for (const { state } of tables.checkout.sagas.sagas.rows.values()) ends[state] = (ends[state] ?? 0) + 1;
  const helped = operator.replays + operator.decisions > 0;
  return {
    seed,
    violations: [...new Set(violations)],
    trouble: trouble.counts,
    ends,
    replays: operator.replays,
    decisions: operator.decisions,
    steps,
    recoveryMs: helped ? 0 : Math.max(0, timeline.now - healedAt),
  };
}

/** What the customers of a world want: one to four orders, some of them from two windows, some with a key used before. */
function wishes({ chance }: World): OrderRequest[] {
  const many = chance.pick([1, 1, 1, 2, 2, 3, 4]);
  const wishes: OrderRequest[] = [];
  for (let index = 1; index <= many; index += 1) {
    const quantity = 1 + chance.below(2);
    const products = chance.pick([['p1'], ['p2'], ['p1', 'p2']]);
    const method: Method = chance.hit(0.5) ? 'good' : chance.pick(Object.keys(methods) as Method[]);
    const wish: OrderRequest = {
      key: `key-${index}`,
      fingerprint: `${method} ${products.join(' ')} ${quantity}`,
      lines: products.map((productId) => ({ productId, quantity })),
      payment: { provider: 'stripe', method },
      amount: 1_000 * quantity * products.length,
    };
    wishes.push(wish);
    if (chance.hit(0.25)) wishes.push(wish);
    if (chance.hit(0.1)) wishes.push({ ...wish, fingerprint: `${wish.fingerprint} and more`, amount: 1 });
  }
  return wishes;
}
