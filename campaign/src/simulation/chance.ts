/** Chance that can be repeated: everything random in a simulated world comes from one of these. */
import { seededRandom } from '@ballast/testing';

export class Chance {
  /** From 0 up to, but without, 1. */
  readonly next: () => number;

  constructor(seed: number) {
    this.next = seededRandom(seed);
  }

  /** True with that probability. */
  hit(probability: number): boolean {
    return probability > 0 && this.next() < probability;
  }

  /** A whole number from 0 up to, but without, `limit`. */
  below(limit: number): number {
    return Math.floor(this.next() * limit);
  }

  /** A number from `least` up to, but without, `most`. */
  between(least: number, most: number): number {
    return least + this.next() * (most - least);
  }

  pick<Item>(items: readonly Item[]): Item {
    return items[this.below(items.length)]!;
  }
}
