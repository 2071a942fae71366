/**
 * One kind of items on its way to the broker: a ring that forgets its oldest, and batches that are sent again under the
 * same id until the broker has confirmed them. Whoever adds an item never waits and never fails: with a broker that is
 * slow, blocked or gone, what does not fit is forgotten and counted.
 */
import { defect } from '@ballast/faults';
import { Ring } from '../domain/ring.ts';

export interface LaneOptions<Item> {
  limits: { items: number; bytes: number };
  /** Batches that are not confirmed, at a time. */
  inFlight: number;
  /** Makes what is sent of a batch, once. The same is sent again until it has arrived, so its id has to stay the same. */
  batch: (items: Item[]) => () => Promise<void>;
  onTold: (items: number) => void;
  onDropped: (items: number) => void;
  /** Each time a batch was not confirmed. */
  onError: (error: unknown) => void;
}

/** Items of one batch. */
const batchItems = 500;
/** Bytes of one batch, about; a single item may be larger. */
const batchBytes = 1_048_576;
/** How long items gather at most before they are sent, in ms. */
const gatherMs = 100;
const firstPauseMs = 250;
const longestPauseMs = 2_000;

export class Lane<Item> {
  readonly #options: LaneOptions<Item>;
  readonly #ring: Ring<Item>;
  #sending = 0;
  /** Items in batches that are not confirmed. */
  #sent = 0;
  #timer: NodeJS.Timeout | undefined;
  #given = false;
  readonly #pauses = new Set<() => void>();

  constructor(options: LaneOptions<Item>) {
    this.#options = options;
    this.#ring = new Ring(options.limits);
  }

  /** Items that are neither told nor dropped. */
  get waiting(): number {
    return this.#ring.size + this.#sent;
  }

  /** Takes an item of about `bytes` bytes. */
  add(item: Item, bytes: number): void {
    const { onDropped } = this.#options;
    if (this.#given) return onDropped(1);
    const dropped = this.#ring.push(item, bytes);
    if (dropped > 0 && !defect('gateway.uncounted-drops')) onDropped(dropped);
    if (this.#timer !== undefined || this.#sending >= this.#options.inFlight) return;
    this.#gather();
  }

  /** Waits until everything is confirmed, or for `patienceMs`; what is left then counts as dropped, and nothing is taken any more. */
  async finish(patienceMs: number): Promise<void> {
    const deadline = performance.now() + patienceMs;
    this.#send(1);
    while (this.waiting > 0 && performance.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, 10));
      this.#send(1);
    }
    this.#given = true;
    clearTimeout(this.#timer);
    const left = this.waiting;
    while (this.#ring.shift() !== undefined) continue;
    this.#sent = 0;
    if (left > 0) this.#options.onDropped(left);
    for (const end of this.#pauses) end();
  }

  #gather(): void {
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined;
        this.#send(1);
      },
      this.#ring.size >= batchItems ? 0 : gatherMs,
    );
  }

  /** Sends as many batches of at least `least` items as may be on their way. */
  #send(least: number): void {
    while (this.#sending < this.#options.inFlight && this.#ring.size >= least) {
      const items: Item[] = [];
      let bytes = 0;
      while (items.length < batchItems && this.#ring.size > 0) {
        bytes += this.#ring.nextBytes;
        if (items.length > 0 && bytes > batchBytes) break;
        items.push(this.#ring.shift()!);
      }
      this.#sending += 1;
      this.#sent += items.length;
      void this.#deliver(items);
    }
  }

  async #deliver(items: Item[]): Promise<void> {
    const { batch, onTold, onError } = this.#options;
    const send = batch(items);
    for (let pauseMs = firstPauseMs; !this.#given; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
      try {
        await send();
        break;
      } catch (error) {
        onError(error);
        await this.#pause(pauseMs);
      }
    }
    this.#sending -= 1;
    // Given up meanwhile: counted as dropped already, though it may have arrived.
    if (this.#given) return;
    this.#sent -= items.length;
    onTold(items.length);
    if (this.#ring.size >= batchItems) this.#send(batchItems);
    else if (this.#ring.size > 0 && this.#timer === undefined) this.#gather();
  }

  #pause(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        clearTimeout(timer);
        this.#pauses.delete(end);
        resolve();
      };
      const timer = setTimeout(end, milliseconds);
      this.#pauses.add(end);
    });
  }
}
