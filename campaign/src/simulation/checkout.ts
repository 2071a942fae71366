/** A replica of checkout: the real saga engine, starter, outbox and relay, with the order's table behind them. */
import type { OrderLine, PaymentChoice } from '@ballast/contracts';
import { createOutbox } from '@ballast/outbox';
import { createSagaEngine, type Decision, type SagaDefinition } from '@ballast/saga';
import { Table, type Work } from './database.ts';
import type { OrderContext } from './domains.ts';
import { OutboxTables } from './outbox-table.ts';
import { SagaTables } from './saga-table.ts';
import { pollEveryMs, type Life } from './timeline.ts';
import type { World } from './world.ts';

/** What is asked of the mesh. */
export interface OrderRequest {
  key: string;
  /** Tells one body from another. */
  fingerprint: string;
  lines: OrderLine[];
  payment: PaymentChoice;
  amount: number;
}

export interface PlacedOrder {
  orderId: string;
  request: OrderRequest;
}

export interface Response {
  status: number;
  orderId: string | null;
  code: string | null;
}

export interface CheckoutDoor {
  place(request: OrderRequest): Promise<Response>;
  decide(decision: Decision): Promise<boolean>;
}

interface NewOrder {
  id: string;
  context: OrderContext;
  request: OrderRequest;
}

export class CheckoutTables {
  readonly outbox = new OutboxTables();
  readonly sagas: SagaTables<OrderContext>;
  /** By idempotency key, which is unique. */
  readonly orders = new Table<PlacedOrder>();

  constructor(definition: SagaDefinition<OrderContext>) {
    this.sagas = new SagaTables(definition, this.outbox, (work, request) => this.#accept(work, request as NewOrder));
  }

  /** The order under a key. */
  // oxlint-disable-next-line require-yield -- who only reads waits for nobody
  *known(work: Work, key: string): Generator<Work, PlacedOrder | undefined, void> {
    return work.get(this.orders, key);
  }

  /** `orderStart` of apps/checkout: INSERT … ON CONFLICT DO NOTHING. */
  *#accept(work: Work, { id, request }: NewOrder): Generator<Work, boolean, void> {
    for (
      let holder = work.take(this.orders, request.key);
      holder !== undefined;
      holder = work.take(this.orders, request.key)
    )
      yield holder;
    if (work.get(this.orders, request.key) !== undefined) return false;
    work.put(this.orders, request.key, { orderId: id, request });
    return true;
  }
}

export function checkout(
  world: World,
  tables: CheckoutTables,
  definition: SagaDefinition<OrderContext>,
): (life: Life) => CheckoutDoor {
  return (life) => {
    const { clock } = life;
    const session = world.databases.checkout.session(life);
    const onError = (error: unknown): void => world.say?.(`${life.name}: ${String(error)}`);
    const outbox = createOutbox({
      store: tables.outbox.store(session),
      publish: (message) => world.bus.publish(life, message),
      sweepEveryMs: pollEveryMs,
      clock,
      onError,
    });
    const engine = createSagaEngine<OrderContext>({
      definition,
      store: tables.sagas.store(session),
      outbox,
      deadlinesEveryMs: pollEveryMs,
      clock,
      envelope: world.envelope,
      onError,
    });
    const start = engine.starter<NewOrder>({ name: 'order-start', accept: '', parameters: () => [] });
    outbox.start();
    engine.start();
    world.bus.consume(life, 'checkout.saga', world.chance.pick([1, 4, 256]), (message) => engine.handle(message));

    return {
      // As apps/checkout/src/routes/orders.ts does, less prices.
      place: async (request) => {
        const { lines, payment, amount, key, fingerprint } = request;
        const total = { amount, currency: 'EUR' };
        const id = world.newId('order-');
        if (await start({ id, request, context: { lines, total, payment, reason: null } }))
          return { status: 202, orderId: id, code: null };
        const existing = await session.run((work) => tables.known(work, key));
        if (existing === undefined) return { status: 409, orderId: null, code: 'in-progress' };
        return existing.request.fingerprint === fingerprint
          ? { status: 202, orderId: existing.orderId, code: null }
          : { status: 422, orderId: null, code: 'idempotency-key-reused' };
      },
      decide: (decision) => engine.decide(decision),
    };
  };
}
