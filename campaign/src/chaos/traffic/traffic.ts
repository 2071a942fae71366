/** All of the campaign's own customers together: begun and ended as one, and what they were promised. */
import { randomUUID } from 'node:crypto';
import type { Shopper } from '../../shopper.ts';
import { createShopper } from '../../shopper.ts';
import { Chance } from '../../simulation/chance.ts';
import { Readers, type Sighting } from './browsing.ts';
import { Complaints, type Claimed } from './claims.ts';
import { newCustomer, type Acting } from './customer.ts';
import { Devices } from './devices.ts';
import { Buyers, type Bought, type FirstAttempt } from './orders.ts';
import type { Post } from './post.ts';
import { StockEditors, type Edit } from './stock.ts';
import { Tally, type TrafficFigures } from './tally.ts';

/** What was promised, and seen, by everybody. */
export interface Promised {
  placed: readonly Bought[];
  firstAttempts: readonly FirstAttempt[];
  claimed: readonly Claimed[];
  edits: readonly Edit[];
  sightings: readonly Sighting[];
  /** Ids of webhook events. */
  events: readonly string[];
  /** What customers saw by themselves that must not be. */
  violations: readonly string[];
  figures: TrafficFigures;
}

const buyers = 4;
const readers = 2;
/** Products that are nearly sold out only make orders fail that nobody wanted to fail. */
const leastOnHand = 200;

export class Traffic {
  readonly #post: Post;
  readonly #shoppers: readonly Shopper[];
  readonly #buyers: Buyers;
  readonly #complaints: Complaints;
  readonly #readers: Readers;
  readonly #editors: StockEditors;
  readonly #devices: Devices;
  readonly #tallies: Readonly<Record<string, Tally>>;
  readonly #ending = new AbortController();
  #running: Promise<unknown> = Promise.resolve();

  private constructor(parts: {
    post: Post;
    shoppers: readonly Shopper[];
    buyers: Buyers;
    complaints: Complaints;
    readers: Readers;
    editors: StockEditors;
    devices: Devices;
    tallies: Readonly<Record<string, Tally>>;
    ending: AbortController;
  }) {
    this.#post = parts.post;
    this.#shoppers = parts.shoppers;
    this.#buyers = parts.buyers;
    this.#complaints = parts.complaints;
    this.#readers = parts.readers;
    this.#editors = parts.editors;
    this.#devices = parts.devices;
    this.#tallies = parts.tallies;
    this.#ending = parts.ending;
  }

  /** Makes their accounts and looks at the shelf. Each customer's chance is its own, so that none hangs on the others' speed. */
  static async open(parts: {
    urls: { bffUrl: string; identityUrl: string; devicesUrl: string };
    operator: { email: string; password: string };
    post: Post;
    seed: number;
  }): Promise<Traffic> {
    const { urls, post, seed } = parts;
    const customer = await newCustomer(urls, `buyer-${randomUUID()}`);
    const operator = await createShopper({ ...urls, ...parts.operator });
    const products = (await customer.products()).filter(({ onHand }) => onHand >= leastOnHand);
    if (products.length === 0) throw new Error(`no product has ${leastOnHand} pieces on hand`);
    const ending = new AbortController();
    const tallies = {
      orders: new Tally(),
      claims: new Tally(),
      browsing: new Tally(),
      'stock edits': new Tally(),
      devices: new Tally(),
    };
    const acting = (index: number, tally: Tally): Acting => ({
      signal: ending.signal,
      chance: new Chance((seed + index * 0x9e37_79b9) >>> 0),
      tally,
    });
    const shopping = new Buyers(customer, products, acting(1, tallies.orders));
    return new Traffic({
      post,
      shoppers: [customer, operator],
      buyers: shopping,
      complaints: new Complaints({ buyers: shopping, shopper: customer, operator, acting: acting(2, tallies.claims) }),
      readers: new Readers(customer, products, acting(3, tallies.browsing)),
      editors: new StockEditors(operator, products, acting(4, tallies['stock edits'])),
      devices: await Devices.open(urls, parts.operator, acting(5, tallies.devices)),
      tallies,
      ending,
    });
  }

  start(): void {
    this.#running = Promise.all([
      this.#buyers.run(buyers),
      this.#complaints.run(),
      this.#readers.run(readers),
      this.#editors.run(),
      this.#devices.run(),
    ]);
  }

  /** Orders that were answered 2xx so far, and those that are known to have completed. */
  get progress(): { placed: number; completed: number } {
    const { placed } = this.#buyers;
    return { placed: placed.length, completed: placed.filter(({ state }) => state === 'Completed').length };
  }

  /** Nobody begins anything new; resolves once all have been answered, or given up, and the post is delivered. */
  async stop(): Promise<void> {
    this.#ending.abort();
    await this.#running;
    await this.#post.flush();
  }

  get promised(): Promised {
    return {
      placed: this.#buyers.placed,
      firstAttempts: this.#buyers.firstAttempts,
      claimed: this.#complaints.claimed,
      edits: this.#editors.edits,
      sightings: [...this.#readers.sightings, ...this.#editors.sightings],
      events: this.#post.acknowledged,
      violations: [...this.#complaints.violations, ...this.#devices.violations, ...this.#post.violations],
      figures: {
        ...Object.fromEntries(Object.entries(this.#tallies).map(([name, tally]) => [name, tally.figures])),
        webhooks: this.#post.tally.figures,
      },
    };
  }

  async close(): Promise<void> {
    this.#ending.abort();
    await this.#running;
    await Promise.all(this.#shoppers.map((shopper) => shopper.close()));
  }
}
