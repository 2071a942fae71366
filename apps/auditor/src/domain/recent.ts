/**
 * How low and how high something has been lately. Two clocks of a mesh never look at the same moment: what one of them says
 * now is right if it was so at some moment of the last few seconds.
 */
export class Recent {
  readonly #windowMs: number;
  #seen: { at: number; low: number; high: number }[] = [];

  constructor(windowMs: number) {
    this.#windowMs = windowMs;
  }

  /** Takes what was seen; `at` in ms. Returns the range of all that is not older than the window. */
  note(at: number, low: number, high = low): { low: number; high: number } {
    this.#seen = [...this.#seen.filter((seen) => at - seen.at <= this.#windowMs), { at, low, high }];
    return {
      low: Math.min(...this.#seen.map((seen) => seen.low)),
      high: Math.max(...this.#seen.map((seen) => seen.high)),
    };
  }
}
