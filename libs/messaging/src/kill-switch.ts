/**
 * Stops a consumer whose handler keeps failing, and starts it again later: messages then wait in their queue, in order,
 * instead of using up their tries against something that is down. Pattern and name: MassTransit, "Kill switch".
 */

export interface KillSwitchOptions {
  /** Fewer outcomes than this within the window say nothing. */
  minimum?: number;
  /** Share of failures, 0 to 1, from which it trips. */
  ratio?: number;
  /** Outcomes older than this, in ms, do not count. */
  windowMs?: number;
  /** How long the consumer stays stopped, in ms. */
  restMs?: number;
}

/** The rule in one sentence, for people. */
export const killSwitchRule =
  'After 10 or more messages within 10 seconds of which half or more failed (and could be tried again), the consumer stops and starts again 2 seconds later.';

const defaults: Required<KillSwitchOptions> = { minimum: 10, ratio: 0.5, windowMs: 10_000, restMs: 2_000 };

/** Counts outcomes and says when to stop. Times are those of `performance.now()`. */
export class KillSwitch {
  readonly options: Required<KillSwitchOptions>;
  trips = 0;
  #outcomes: { at: number; failed: boolean }[] = [];

  constructor(options: KillSwitchOptions = {}) {
    this.options = { ...defaults, ...options };
  }

  /** Notes an outcome; true when the consumer is to stop now. */
  note(failed: boolean, now: number): boolean {
    const { minimum, ratio, windowMs } = this.options;
    this.#outcomes.push({ at: now, failed });
    // Bounded: what a busy consumer did a thousand messages ago is no news.
    while (this.#outcomes.length > 1_000 || this.#outcomes[0]!.at < now - windowMs) this.#outcomes.shift();
    if (!failed || this.#outcomes.length < minimum) return false;
    const failures = this.#outcomes.filter((outcome) => outcome.failed).length;
    if (failures < ratio * this.#outcomes.length) return false;
    this.trips += 1;
    return true;
  }

  /** Counting begins anew. */
  forget(): void {
    this.#outcomes = [];
  }
}
