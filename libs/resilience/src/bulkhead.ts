/** A bound on what is under way at a time. There is no queue: whoever finds no place is told so at once. */

export class Bulkhead {
  readonly limit: number;
  /** Refused since the start. */
  refused = 0;
  #inFlight = 0;

  /** `limit`: most at a time. */
  constructor(limit: number) {
    this.limit = limit;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /** Takes a place, to be given back by `leave`; false where there is none. */
  tryEnter(): boolean {
    if (this.#inFlight >= this.limit) {
      this.refused += 1;
      return false;
    }
    this.#inFlight += 1;
    return true;
  }

  /** Gives a place back. */
  leave(): void {
    this.#inFlight -= 1;
  }
}
