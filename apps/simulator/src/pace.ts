/** How fast and how much at once: what keeps a simulator from being a flood by accident. */

/** Lets callers through one after another, so many a second, in the order they came. */
export class Pace {
  readonly #intervalMs: number;
  #next = 0;

  /** `perSecond`: callers a second; more than zero. */
  constructor(perSecond: number) {
    this.#intervalMs = 1_000 / perSecond;
  }

  /** How long the caller has to wait from `now` (ms of a steady clock) until it is its turn, in ms. */
  turn(now: number): number {
    const at = Math.max(now, this.#next);
    this.#next = at + this.#intervalMs;
    return at - now;
  }
}

/** At most `size` at once. Callers may want several; whoever wants more than there are gets all. */
export class Budget {
  readonly #size: number;
  #free: number;
  readonly #waiting: { wanted: number; go: () => void }[] = [];

  constructor(size: number) {
    this.#size = size;
    this.#free = size;
  }

  /** Resolves to how much was taken once it is there. Give it back with `leave`. */
  async enter(wanted: number): Promise<number> {
    const taken = Math.min(wanted, this.#size);
    if (this.#waiting.length === 0 && this.#free >= taken) this.#free -= taken;
    else {
      await new Promise<void>((go) => {
        this.#waiting.push({ wanted: taken, go });
      });
    }
    return taken;
  }

  leave(taken: number): void {
    this.#free += taken;
    while (this.#waiting.length > 0 && this.#waiting[0]!.wanted <= this.#free) {
      const { wanted, go } = this.#waiting.shift()!;
      this.#free -= wanted;
      go();
    }
  }
}

/** Runs `work` for each item, at most `atOnce` of them at a time. Rejects with the first error, and begins nothing after it. */
export async function inParallel<Item>(
  items: readonly Item[],
  atOnce: number,
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const left = items.values();
  let failed = false;
  const lane = async (): Promise<void> => {
    for (const item of left) {
      if (failed) return;
      try {
        await work(item);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, lane));
}
