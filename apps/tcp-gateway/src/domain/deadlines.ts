/**
 * One clock for all deadlines: whoever waits stands in the slot of the moment it is due, and says when it is due next once
 * that has come. A timer for each of twenty thousand sessions would cost more memory than the sessions; looking through all
 * of them again and again, more time.
 */

/** Something with deadlines. `slot` belongs to the clock. */
export interface Timed {
  slot: number;
  /** It is due at `now` or was before; answers when it is due next, in ms of the same clock, or null for never. */
  due(now: number): number | null;
}

/** Not in any slot. */
export const noSlot = -1;

/** Deadlines that are met at most `resolutionMs` late, if `advance` is called that often. */
export class Deadlines<Item extends Timed> {
  readonly #resolutionMs: number;
  readonly #slots = new Map<number, Set<Item>>();
  #reached: number;

  constructor(resolutionMs: number, now: number) {
    this.#resolutionMs = resolutionMs;
    this.#reached = Math.floor(now / resolutionMs);
  }

  /** Sets the deadline of `item`, in place of the one it had. */
  set(item: Item, at: number): void {
    const slot = Math.max(Math.ceil(at / this.#resolutionMs), this.#reached + 1);
    if (slot === item.slot) return;
    this.remove(item);
    item.slot = slot;
    const known = this.#slots.get(slot);
    if (known === undefined) this.#slots.set(slot, new Set([item]));
    else known.add(item);
  }

  /** Forgets `item`. */
  remove(item: Item): void {
    if (item.slot === noSlot) return;
    const slot = this.#slots.get(item.slot);
    slot?.delete(item);
    if (slot?.size === 0) this.#slots.delete(item.slot);
    item.slot = noSlot;
  }

  /** Tells everything that is due by `now`. */
  advance(now: number): void {
    const last = Math.floor(now / this.#resolutionMs);
    // After a standstill (a laptop's lid, a frozen process) walking every slot could be longer than looking at those there are.
    const passed = last - this.#reached;
    const due =
      passed > this.#slots.size
        ? [...this.#slots.keys()].filter((slot) => slot <= last).sort((one, other) => one - other)
        : Array.from({ length: passed }, (_, index) => this.#reached + 1 + index);
    this.#reached = last;
    for (const slot of due) {
      const items = this.#slots.get(slot);
      if (items === undefined) continue;
      this.#slots.delete(slot);
      for (const item of items) {
        item.slot = noSlot;
        const next = item.due(now);
        if (next !== null && item.slot === noSlot) this.set(item, next);
      }
    }
  }

  /** Items that wait. */
  get size(): number {
    let size = 0;
    for (const items of this.#slots.values()) size += items.size;
    return size;
  }
}
