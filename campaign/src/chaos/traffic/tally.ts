/** Counts what the campaign's own customers asked for and were answered. */

/** By who asked, then by what was counted. */
export type TrafficFigures = Record<string, Record<string, number>>;

/** One customer's counts. */
export class Tally {
  readonly #counts: Record<string, number> = { requests: 0 };

  /** Any event of its own. */
  count(what: string): void {
    this.#counts[what] = (this.#counts[what] ?? 0) + 1;
  }

  /** A request, by its status; null where nobody answered. */
  answered(status: number | null): void {
    this.count('requests');
    if (status === null) this.count('unanswered');
    else if (status >= 500) this.count('5xx');
    else if (status >= 400) this.count('4xx');
  }

  get figures(): Record<string, number> {
    return { ...this.#counts };
  }
}
