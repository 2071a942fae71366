/** Buyers: they order one after the other, follow what they ordered to its end, and remember what they were told. */
import { randomUUID } from 'node:crypto';
import { finalOrderStates, type Order, type OrderState, type PaymentChoice, type Product } from '@ballast/contracts';
import type { Placed, Shopper } from '../../shopper.ts';
import { attempt, rest, type Acting } from './customer.ts';

/** An order as its buyer knows it. Times are ms since 1970. */
export interface Bought extends Placed {
  /** First asked for, and answered 2xx. */
  askedAt: number;
  answeredAt: number;
  /** As last seen. */
  state: OrderState | null;
}

/** A first attempt, whatever came of it: what the share of good answers is taken from. */
export interface FirstAttempt {
  from: number;
  to: number;
  accepted: boolean;
}

const good: readonly PaymentChoice[] = [
  { provider: 'stripe', method: 'pm_card_visa' },
  { provider: 'paypal', method: 'paypal_approve' },
  { provider: 'stripe', method: 'pm_card_mastercard' },
];
const declined: readonly PaymentChoice[] = [
  { provider: 'stripe', method: 'pm_card_chargeDeclined' },
  { provider: 'paypal', method: 'paypal_decline' },
];
/** Refused only when the money is to be taken, which has more to be undone. */
const refusedLate: PaymentChoice = { provider: 'stripe', method: 'pm_standin_capture_declined' };

const declinedShare = 0.3;
const refusedLateShare = 0.05;
/** Between two orders of one buyer, in ms. */
const restMs = [300, 1_500] as const;
/** How long an order is repeated with its key until it is answered 2xx: promises hold from then on, so it is no violation. */
const patienceMs = 60_000;
/** Between two looks at an order, in ms, and looks at the longest. */
const lookMs = 700;
const mostLooks = 60;

export class Buyers {
  readonly #shopper: Shopper;
  readonly #acting: Acting;
  readonly #products: readonly Product[];
  readonly placed: Bought[] = [];
  readonly firstAttempts: FirstAttempt[] = [];
  readonly #following = new Set<Promise<void>>();

  constructor(shopper: Shopper, products: readonly Product[], acting: Acting) {
    this.#shopper = shopper;
    this.#products = products;
    this.#acting = acting;
  }

  /** Completed orders that nobody has complained about yet; each is given out once. */
  readonly completed: Bought[] = [];

  /** So many buyers; resolves once the signal has aborted and all of them have been answered. */
  async run(buyers: number): Promise<void> {
    await Promise.all(Array.from({ length: buyers }, () => this.#buy()));
    await Promise.all(this.#following);
  }

  async #buy(): Promise<void> {
    const { signal, chance } = this.#acting;
    while (!signal.aborted) {
      await this.#order();
      await rest(chance.between(...restMs), signal);
    }
  }

  async #order(): Promise<void> {
    const { signal, chance, tally } = this.#acting;
    const picked = new Set(Array.from({ length: 1 + chance.below(3) }, () => chance.pick(this.#products)));
    const lines = [...picked].map(({ productId }) => ({ productId, quantity: 1 + chance.below(3) }));
    const body = { lines, payment: this.#payment() };
    const headers = { 'idempotency-key': randomUUID() };
    const askedAt = Date.now();
    for (let attempts = 1; ; attempts += 1) {
      const answer = await attempt(this.#shopper, tally, 'POST', '/api/orders', { body, headers });
      const accepted = answer?.status === 202;
      if (attempts === 1) this.firstAttempts.push({ from: askedAt, to: Date.now(), accepted });
      if (accepted) {
        tally.count('accepted');
        const { orderId } = answer.body as { orderId: string };
        const key = headers['idempotency-key'];
        const bought: Bought = {
          orderId,
          payment: body.payment,
          idempotencyKey: key,
          attempts,
          askedAt,
          answeredAt: Date.now(),
          state: null,
        };
        this.placed.push(bought);
        this.#follow(bought);
        return;
      }
      const final = answer !== null && answer.status < 500 && answer.status !== 409 && answer.status !== 429;
      if (final) tally.count('refused');
      else if (Date.now() - askedAt > patienceMs || signal.aborted) tally.count('given up');
      else {
        await rest(chance.between(100, 500), signal);
        continue;
      }
      return;
    }
  }

  #payment(): PaymentChoice {
    const { chance } = this.#acting;
    const luck = chance.next();
    if (luck < refusedLateShare) return refusedLate;
    return chance.pick(luck < declinedShare ? declined : good);
  }

  #follow(bought: Bought): void {
    const following = this.#look(bought).finally(() => this.#following.delete(following));
    this.#following.add(following);
  }

  async #look(bought: Bought): Promise<void> {
    const { signal, tally } = this.#acting;
    for (let look = 0; look < mostLooks && !signal.aborted; look += 1) {
      await rest(lookMs, signal);
      const answer = await attempt(this.#shopper, tally, 'GET', `/api/orders/${bought.orderId}`);
      if (answer?.status !== 200) continue;
      bought.state = (answer.body as Order).state;
      if (!finalOrderStates.includes(bought.state)) continue;
      if (bought.state === 'Completed') this.completed.push(bought);
      return;
    }
  }
}
