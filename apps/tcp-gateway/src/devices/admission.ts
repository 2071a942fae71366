/** How many connections there may be: in all, from one address, and of those that nobody knows yet. */

export interface AdmissionLimits {
  connections: number;
  perAddress: number;
  unauthenticated: number;
}

/**
 * `open`: come in. `full`: is told `over_capacity` and closed. `cut`: closed without a word, because telling all of a flood
 * would cost as much as letting it in.
 */
export type Admission = 'open' | 'full' | 'cut';

/** Connections above the limit that are told so, at a time. */
const toldAtOnce = 256;

export class AdmissionCounter {
  readonly #limits: AdmissionLimits;
  readonly #addresses = new Map<string, number>();
  #connections = 0;
  #unauthenticated = 0;
  #refused = 0;

  constructor(limits: AdmissionLimits) {
    this.#limits = limits;
  }

  get unauthenticated(): number {
    return this.#unauthenticated;
  }

  /** A connection has come. What it was answered is handed back to `left` when it has gone; `cut` ones are not. */
  come(address: string): Admission {
    const { connections, perAddress, unauthenticated } = this.#limits;
    const known = this.#addresses.get(address) ?? 0;
    if (this.#connections >= connections || known >= perAddress || this.#unauthenticated >= unauthenticated) {
      if (this.#refused >= toldAtOnce) return 'cut';
      this.#refused += 1;
      return 'full';
    }
    this.#connections += 1;
    this.#unauthenticated += 1;
    this.#addresses.set(address, known + 1);
    return 'open';
  }

  /** An `open` connection has been judged, or has gone before it was. */
  judged(): void {
    this.#unauthenticated -= 1;
  }

  left(address: string, admission: Exclude<Admission, 'cut'>): void {
    if (admission === 'full') {
      this.#refused -= 1;
      return;
    }
    this.#connections -= 1;
    const known = this.#addresses.get(address) ?? 0;
    if (known <= 1) this.#addresses.delete(address);
    else this.#addresses.set(address, known - 1);
  }
}
