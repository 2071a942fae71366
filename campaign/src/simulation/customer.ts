/** Customers: they send a request until it is answered, always with the same key, sometimes from two windows at once. */
import type { OrderRequest } from './checkout.ts';
import type { ShopAnswer, ShopDoor } from './shop.ts';
import { Life } from './timeline.ts';
import type { Process, World } from './world.ts';

const patienceMs = 8_000;

/** What a customer was told, at last. */
export interface Told {
  key: string;
  fingerprint: string;
  answer: ShopAnswer;
}

export class Customers {
  readonly told: Told[] = [];
  /** Requests still to be answered. */
  waiting = 0;
  readonly #world: World;
  readonly #shops: readonly Process<ShopDoor>[];
  readonly #life: Life;

  constructor(world: World, shops: readonly Process<ShopDoor>[]) {
    this.#world = world;
    this.#shops = shops;
    this.#life = new Life('customers', world.timeline);
  }

  order(request: OrderRequest, afterMs: number): void {
    this.#send(request.key, request.fingerprint, afterMs, (door) => door.order(request));
  }

  voucher(key: string, afterMs: number): void {
    this.#send(key, '', afterMs, (door) => door.voucher(key));
  }

  #send(key: string, fingerprint: string, afterMs: number, ask: (door: ShopDoor) => Promise<ShopAnswer>): void {
    this.waiting += 1;
    const { chance, timeline, say } = this.#world;
    const again = (milliseconds: number): void => void timeline.after(milliseconds, this.#life, () => void once());
    const once = async (): Promise<void> => {
      const shop = chance.pick(this.#shops);
      try {
        const answer = await this.#world.call(this.#life, shop, patienceMs, ask);
        say?.(`customer of ${key} gets ${answer.status} ${answer.orderId ?? answer.code ?? ''}`);
        if (answer.status >= 500 || answer.status === 409)
          return again(Math.max(answer.retryAfterMs, chance.between(50, 400)));
        this.told.push({ key, fingerprint, answer });
        this.waiting -= 1;
      } catch (error) {
        say?.(`customer of ${key}: ${String(error)}`);
        again(chance.between(50, 1_000));
      }
    };
    again(afterMs);
  }
}
