/**
 * Instances as this process has just left them, so that the next event need not read them first. It is a guess that is
 * always checked: a transition is stored only if the row still has the version it was decided on. Whatever is not a
 * transition (known, ignored) is decided on what is read.
 *
 * A wrong guess costs a statement that does nothing. Where other replicas move the same instances most guesses are wrong:
 * then none are made, until what is read shows that they would be right again.
 */
import type { Known } from './store.ts';

/** What is kept at most; those left alone for longest go first. */
const maximumKept = 2_000;

/** Guesses are made while this share of the latest would have been, or were, right. */
const trustedFrom = 0.75;
/** What one guess counts for in that share. */
const weight = 0.02;

export class RecentInstances<Context extends object> {
  readonly #kept = new Map<string, Known<Context>>();
  #right = 1;

  /** A guess, where one is worth making. */
  get(id: string): Known<Context> | undefined {
    return this.#right >= trustedFrom ? this.#kept.get(id) : undefined;
  }

  /** The version the row really has, of an instance that was read: to learn what a guess would have been worth. */
  check(id: string, version: number): void {
    const kept = this.#kept.get(id);
    if (kept !== undefined) this.learn(kept.instance.version === version);
  }

  /** Whether a guess was right. */
  learn(right: boolean): void {
    this.#right += weight * ((right ? 1 : 0) - this.#right);
  }

  keep(known: Known<Context>): void {
    const { id } = known.instance;
    this.#kept.delete(id);
    this.#kept.set(id, known);
    if (this.#kept.size > maximumKept) for (const oldest of this.#kept.keys()) return void this.#kept.delete(oldest);
  }

  /** Moved by another, at its end, or nobody knows: to be read before it is used. */
  drop(id: string): void {
    this.#kept.delete(id);
  }
}

/** What comes back from the database when that went in; and nobody else's to change. */
export const asStored = <Context extends object>(context: Context): Context =>
  JSON.parse(JSON.stringify(context)) as Context;
