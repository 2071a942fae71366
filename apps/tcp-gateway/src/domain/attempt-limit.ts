/**
 * How often a device may come: some times at once, and then at a rate. Generic cell rate algorithm (ITU-T I.371): one
 * number a device, and none for a device that has been quiet.
 */

/** Devices are counted by their verified names only, so there are never more than there are registered devices. */
export class AttemptLimit {
  readonly #intervalMs: number;
  readonly #toleranceMs: number;
  /** When each device's next attempt would come if it kept to the rate. */
  readonly #expected = new Map<string, number>();

  constructor(options: { burst: number; perMinute: number }) {
    this.#intervalMs = 60_000 / options.perMinute;
    this.#toleranceMs = (options.burst - 1) * this.#intervalMs;
  }

  /** Whether `device` may come at `now` (ms of a steady clock); if so, it has. */
  take(device: string, now: number): boolean {
    const expected = Math.max(this.#expected.get(device) ?? 0, now);
    if (expected - now > this.#toleranceMs) return false;
    this.#expected.set(device, expected + this.#intervalMs);
    return true;
  }

  /** Forgets devices whose burst is whole again. */
  sweep(now: number): void {
    for (const [device, expected] of this.#expected) if (expected <= now) this.#expected.delete(device);
  }

  get size(): number {
    return this.#expected.size;
  }
}
