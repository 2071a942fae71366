/**
 * The post between a payment provider and payments, as bad as it may be: several copies of every webhook, many at a
 * time, in random order, some very late, and again until they are answered. It kills payments on the way.
 */
import { seededRandom } from '@ballast/testing';
import { Agent, request } from 'undici';
import type { SentWebhook, WebhookBench } from './webhook-bench.ts';

/** How the post delivers. */
export interface Delivering {
  /** How often each webhook is delivered at least. */
  copies: number;
  /** Kills of payments, spread over the deliveries. */
  kills: number;
  /** Deliveries at a time. */
  concurrency: number;
  seed: number;
}

interface Delivery {
  webhook: SentWebhook;
  /** Failed tries in the present life of the process. */
  tries: number;
  life: number;
}

/** Tries at one delivery while the process lives, 0.1 s apart. */
const mostTries = 40;
/** How long the rest may take, in ms. */
const patienceMs = 60_000;
/** Violations of one kind that are told. */
const mostTold = 5;

const pause = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Delivers what the provider sent, again and again, in any order. */
export class Post {
  readonly #size: Delivering;
  readonly #random: () => number;
  readonly #agent = new Agent({ connections: 64, connect: { timeout: 2_000 } });
  readonly #wrong = new Set<string>();
  readonly #events = new Map<string, { webhook: SentWebhook; effects: string[]; refused: number }>();
  /** To be delivered; anyone of them may be next. */
  readonly #bag: Delivery[] = [];
  /** Kept until all is over. */
  readonly #late: SentWebhook[] = [];
  readonly #unanswered: string[] = [];
  readonly #figures = { deliveries: 0, retried: 0, kills: 0, late: 0 };
  #wrongOrders = new Set<string>();
  #expected = 0;
  #bench: WebhookBench | undefined;
  #workers: Promise<void>[] = [];
  #pending = 0;
  #life = 0;
  /** Between one life of the process and the next. */
  #down = false;
  #givenUp = false;
  #done = false;

  constructor(size: Delivering) {
    this.#size = size;
    this.#random = seededRandom(size.seed);
  }

  /** True when deliveries fail for good, or somebody gave up: there is no use in waiting for the rest. */
  get hopeless(): boolean {
    return this.#unanswered.length > 0 || this.#givenUp;
  }

  /** Something has gone wrong for good elsewhere. */
  giveUp(): void {
    this.#givenUp = true;
  }

  /** Begins to deliver; so many different webhooks are to be expected, some of them wrong about these orders. */
  open(bench: WebhookBench, expected: { webhooks: number; wrongOrders: readonly string[] }): void {
    this.#bench = bench;
    this.#expected = expected.webhooks;
    this.#wrongOrders = new Set(expected.wrongOrders);
    this.#workers = Array.from({ length: this.#size.concurrency }, () => this.#work());
  }

  /** A webhook the provider has sent. The provider itself sends some twice; each event counts once. */
  take(webhook: SentWebhook): void {
    if (this.#events.has(webhook.eventId)) return;
    this.#events.set(webhook.eventId, { webhook, effects: [], refused: 0 });
    const { type, data } = JSON.parse(webhook.body) as {
      type?: string;
      data?: { object: { metadata?: { order_id?: string } } };
    };
    const orderId = data?.object.metadata?.order_id ?? '';
    if (type === 'payment_intent.succeeded' && this.#wrongOrders.has(orderId)) this.#wrong.add(webhook.eventId);
    // Every fourth, and so of many orders the first that is told of them.
    if (this.#events.size % 4 === 0) this.#late.push(webhook);
    else this.#putInBag(webhook);
  }

  #putInBag(webhook: SentWebhook): void {
    for (let copy = 0; copy < this.#size.copies; copy += 1) this.#bag.push({ webhook, tries: 0, life: this.#life });
    this.#pending += this.#size.copies;
  }

  /** Kills payments while deliveries are under way, spread evenly over all that are expected. */
  async killOnTheWay(): Promise<void> {
    const share = (this.#expected * this.#size.copies) / (this.#size.kills + 1);
    while (!this.#done && this.#figures.kills < this.#size.kills) {
      if (this.#figures.deliveries >= share * (this.#figures.kills + 1)) {
        this.#down = true;
        await this.#bench!.kill();
        this.#down = false;
        this.#figures.kills += 1;
        this.#life += 1;
      }
      await pause(10);
    }
  }

  /** Delivers the rest, then what was kept back. Resolves to what was missing. */
  async finish(killing: Promise<void>): Promise<string[]> {
    const wait = async (is: () => boolean): Promise<boolean> => {
      const deadline = performance.now() + patienceMs;
      while (!is() && performance.now() < deadline && !this.hopeless) await pause(20);
      return is();
    };
    const all = await wait(() => this.#events.size >= this.#expected && this.#pending === 0);
    this.#figures.late = this.#late.length;
    for (const webhook of this.#late.splice(0)) this.#putInBag(webhook);
    await wait(() => this.#pending === 0);
    this.#done = true;
    await Promise.all([...this.#workers, killing]);
    return all || this.hopeless ? [] : [`only ${this.#events.size} of ${this.#expected} webhooks were sent`];
  }

  async #work(): Promise<void> {
    while (!this.#done) {
      // Half of the time the newest, so that some are faster than the reply to the call they are about.
      const newest = this.#random() < 0.5;
      const index = newest ? this.#bag.length - 1 : Math.floor(this.#random() * this.#bag.length);
      const delivery = this.#bag[index];
      if (delivery === undefined) {
        await pause(5);
        continue;
      }
      this.#bag[index] = this.#bag.at(-1)!;
      this.#bag.pop();
      if (await this.#deliver(delivery)) {
        this.#figures.deliveries += 1;
        this.#pending -= 1;
        continue;
      }
      this.#figures.retried += 1;
      if (delivery.life !== this.#life) Object.assign(delivery, { life: this.#life, tries: 0 });
      if (!this.#down) delivery.tries += 1;
      if (delivery.tries > mostTries) {
        this.#unanswered.push(delivery.webhook.eventId);
        this.#pending -= 1;
        continue;
      }
      await pause(100);
      this.#bag.push(delivery);
    }
  }

  /** Whether the answer was one that ends the sending: a 2xx, or the refusal that a wrong amount is to get. */
  async #deliver({ webhook }: Delivery): Promise<boolean> {
    const event = this.#events.get(webhook.eventId)!;
    try {
      const response = await request(this.#bench!.url + webhook.path, {
        dispatcher: this.#agent,
        method: 'POST',
        headers: webhook.headers,
        body: webhook.body,
        headersTimeout: 5_000,
        bodyTimeout: 5_000,
      });
      const body = (await response.body.json()) as { effect?: string; code?: string };
      if (response.statusCode === 200) {
        event.effects.push(body.effect ?? '');
        return true;
      }
      const refused =
        response.statusCode === 422 && body.code === 'amount-mismatch' && this.#wrong.has(webhook.eventId);
      if (refused) event.refused += 1;
      return refused;
    } catch {
      // Nobody there, or killed in the middle: the provider sends it again.
      return false;
    }
  }

  violations(): string[] {
    const events = [...this.#events.values()];
    const twice = events.filter(({ effects }) => effects.filter((effect) => effect === 'applied').length > 1);
    const taken = events.filter(({ webhook, effects }) => this.#wrong.has(webhook.eventId) && effects.length > 0);
    return [
      ...this.#unanswered.map((id) => `every webhook is answered 2xx in the end: ${id} was not`),
      ...twice.slice(0, mostTold).map(({ webhook }) => `one effect per event: ${webhook.eventId} was applied twice`),
      ...taken.slice(0, mostTold).map(({ webhook }) => `a wrong amount is refused: ${webhook.eventId} was taken`),
    ];
  }

  /** Ids of the events that were answered 2xx with an effect. */
  acknowledged(): string[] {
    const known = [...this.#events].filter(([, { effects }]) => effects.some((effect) => effect !== 'ignored'));
    return known.map(([id]) => id);
  }

  figures(): Record<string, number> {
    const effects = [...this.#events.values()].flatMap((event) => event.effects);
    return {
      webhooks: this.#events.size,
      ...this.#figures,
      applied: effects.filter((effect) => effect === 'applied').length,
      duplicates: effects.filter((effect) => effect === 'duplicate').length,
      wrongAmounts: this.#wrong.size,
      wrongAmountsRefused: [...this.#events.values()].reduce((sum, { refused }) => sum + refused, 0),
    };
  }

  async close(): Promise<void> {
    this.#done = true;
    await Promise.all(this.#workers);
    await this.#agent.destroy();
  }
}
