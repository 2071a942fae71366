/**
 * A replica of the bff, as far as keys go: the real idempotency library before checkout, and before an effect of its own
 * that commits together with its answer.
 */
import { createIdempotency, LeaseLost, settlementOf, type Answer } from '@ballast/idempotency';
import type { CheckoutDoor, OrderRequest, Response } from './checkout.ts';
import { Table, type Work } from './database.ts';
import { KeyTable } from './key-table.ts';
import type { Life } from './timeline.ts';
import type { Process, World } from './world.ts';

const workMs = 5_000;
const leaseMs = 7_000;

/** What a customer gets. `replayed`: it was answered before. */
export interface ShopAnswer extends Response {
  replayed: boolean;
  retryAfterMs: number;
}

export interface ShopDoor {
  order(request: OrderRequest): Promise<ShopAnswer>;
  /** Something that has its effect here: a voucher, once per key. */
  voucher(key: string): Promise<ShopAnswer>;
}

export class ShopTables {
  readonly keys = new KeyTable();
  readonly vouchers = new Table<{ key: string }>();

  // oxlint-disable-next-line require-yield -- a new key waits for nobody
  *give(work: Work, id: string, key: string): Generator<Work, void, void> {
    work.take(this.vouchers, id);
    work.put(this.vouchers, id, { key });
  }
}

/** Turns that are being worked on, by key: the lease promises that there are never two. */
interface Turn {
  life: Life;
  since: number;
}

export class Turns {
  readonly #turns = new Map<string, Set<Turn>>();
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  /** Runs `work`, and says so when somebody else is at the same key, is alive, and within its time. */
  async during<Result>(key: string, life: Life, work: () => Promise<Result>): Promise<Result> {
    const now = this.#world.timeline.now;
    const turns = this.#turns.get(key) ?? new Set();
    this.#turns.set(key, turns);
    for (const other of turns)
      if (!other.life.ended && now - other.since < workMs)
        this.#world.violations.push(`idempotency: ${life.name} works under ${key} while ${other.life.name} does`);
    const turn = { life, since: now };
    turns.add(turn);
    try {
      return await work();
    } finally {
      turns.delete(turn);
    }
  }
}

const toAnswer = (response: Response): Answer => ({
  status: response.status,
  headers: {},
  body: Buffer.from(JSON.stringify(response)),
});

const readAnswer = (answer: Answer): Response => JSON.parse(answer.body.toString()) as Response;

export function shop(
  world: World,
  tables: ShopTables,
  { checkouts, turns }: { checkouts: readonly Process<CheckoutDoor>[]; turns: Turns },
): (life: Life) => ShopDoor {
  return (life) => {
    const session = world.databases.shop.session(life);
    const idempotency = createIdempotency({
      store: tables.keys.store(session),
      name: life.name,
      workMs,
      leaseMs,
      settle: (answer) => settlementOf(answer.status, readAnswer(answer).code ?? undefined),
      onError: (what, error) => world.say?.(`${life.name}: ${what}: ${String(error)}`),
      clock: life.clock,
      newId: () => world.newId('turn-'),
    });
    const answer = async (
      keyed: Omit<Parameters<typeof idempotency.once>[0], 'principal'>,
      work: Parameters<typeof idempotency.once<Answer>>[1],
    ): Promise<ShopAnswer> => {
      const nothing = { orderId: null, replayed: false, retryAfterMs: 0 };
      try {
        const outcome = await idempotency.once({ principal: 'ada', ...keyed }, (hold) =>
          turns.during(`${keyed.route} ${keyed.key}`, life, () => work(hold)),
        );
        switch (outcome.outcome) {
          case 'answered':
          case 'replayed':
            return {
              ...readAnswer(outcome.answer),
              replayed: outcome.outcome === 'replayed',
              retryAfterMs: 0,
            };
          case 'running':
            return {
              ...nothing,
              status: 409,
              code: 'in-progress',
              retryAfterMs: outcome.retryAfterSeconds * 1_000,
            };
          case 'reused':
            return { ...nothing, status: 422, code: 'idempotency-key-reused' };
        }
      } catch (error) {
        world.say?.(`${life.name}: ${keyed.key}: ${String(error)}`);
        return { ...nothing, status: 503, code: error instanceof LeaseLost ? 'lease-lost' : 'unavailable' };
      }
    };

    return {
      order: (request) =>
        answer(
          { route: 'POST /orders', key: request.key, fingerprint: Buffer.from(request.fingerprint.padEnd(32)) },
          async () =>
            toAnswer(await world.call(life, world.chance.pick(checkouts), workMs - 500, (door) => door.place(request))),
        ),
      voucher: (key) =>
        answer({ route: 'POST /vouchers', key, fingerprint: Buffer.alloc(32) }, (hold) =>
          session.transaction(async (transaction) => {
            const given = toAnswer({ status: 201, orderId: world.newId('voucher-'), code: null });
            const id = readAnswer(given).orderId!;
            await transaction.run((work) => tables.give(work, id, key));
            await hold.store(transaction, given);
            return given;
          }),
        ),
    };
  };
}
