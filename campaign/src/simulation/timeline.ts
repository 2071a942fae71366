/**
 * Virtual time: one queue of everything that is still to happen, taken in order. Nothing here waits for a real clock.
 *
 * What happens in a process belongs to a life of it. When the process crashes the life ends, and whatever it still waited
 * for never comes: its promises stay pending for ever, which is what being dead means to code that awaits.
 */
import type { Clock, Timer } from '@ballast/postgres';

/** Pauses between two looks of whatever polls (sweeps, deadlines), in ms. Timers this long are taken for such. */
export const pollEveryMs = 500;

interface Happening extends Timer {
  at: number;
  /** Among those of one instant the first that was planned comes first. */
  order: number;
  life: Life | null;
  run: (() => void) | undefined;
}

/** A process from one start to its crash or end. */
export class Life {
  readonly name: string;
  readonly clock: Clock;
  ended = false;
  /** Until then nothing happens in it; later everything that has gathered does. */
  frozenUntil = 0;
  /** What has happened in it so far: between two of these it waits for something, and may crash. */
  steps = 0;
  /** Called once, when it crashes. */
  readonly atEnd: (() => void)[] = [];
  /** When the latest of what it publishes gets to the broker: one channel keeps the order. */
  lastPublish = 0;

  constructor(name: string, timeline: Timeline) {
    this.name = name;
    this.clock = {
      now: () => timeline.now,
      setTimeout: (work, milliseconds) =>
        milliseconds === pollEveryMs ? timeline.poll(this, work) : timeline.after(milliseconds, this, work),
      clearTimeout: (timer) => {
        if (timer !== undefined) (timer as Happening).run = undefined;
      },
      setImmediate: (work) => timeline.soon(this, work),
    };
  }

  end(): void {
    this.ended = true;
    for (const work of this.atEnd) work();
  }
}

const unref = (): void => {};

/** Resolves when every promise that could go on has gone on: Node takes ticks only when no microtask is left. */
const settled = (): Promise<void> =>
  new Promise((resolve) => {
    process.nextTick(resolve);
  });

export class Timeline {
  /** Milliseconds since the world began. */
  now = 0;
  #planned = 0;
  /** What happens at this very moment, in this order. */
  #soon: { life: Life; run: () => void }[] = [];
  #soonDone = 0;
  /** A binary heap, the next to happen first. */
  readonly #heap: Happening[] = [];
  /** Few: two or three a process. */
  readonly #polls: Happening[] = [];

  /** Plans something; `life` is whose it is, null for what is outside of all processes. */
  after(milliseconds: number, life: Life | null, run: () => void): Timer {
    const happening = { at: this.now + milliseconds, order: (this.#planned += 1), life, run, unref };
    this.#push(happening);
    return happening;
  }

  /** Plans a look in `pollEveryMs`. It may come later when there is nothing to be found until then. */
  poll(life: Life, run: () => void): Timer {
    const happening = { at: this.now + pollEveryMs, order: (this.#planned += 1), life, run, unref };
    this.#polls.push(happening);
    return happening;
  }

  /** Plans something for the end of this turn of the process. */
  soon(life: Life, run: () => void): void {
    this.#soon.push({ life, run });
  }

  /**
   * Lets everything happen until nothing does any more or `mostSteps` are over, and returns how many steps it took.
   * `due` is when the next look would find something; it is asked before each look, and a look that would find nothing is
   * not made: it would change nothing. `rested` is called whenever nothing but looks is left, and may plan more; false
   * ends it all. `afterStep` is called after each step of a process.
   */
  async run(
    due: () => number,
    rested: () => boolean,
    afterStep: (life: Life) => void,
    mostSteps: number,
  ): Promise<number> {
    let steps = 0;
    while (steps < mostSteps) {
      steps += 1;
      let life: Life | null;
      let run: (() => void) | undefined;
      if (this.#soonDone < this.#soon.length) {
        ({ life, run } = this.#soon[this.#soonDone]!);
        this.#soonDone += 1;
      } else {
        if (this.#soonDone > 0) {
          this.#soon = [];
          this.#soonDone = 0;
        }
        const happening = this.#next(due, rested);
        if (happening === undefined) return steps;
        if (happening.at > this.now) this.now = happening.at;
        ({ life, run } = happening);
        if (life !== null && life.frozenUntil > this.now) {
          happening.at = life.frozenUntil;
          this.#push(happening);
          continue;
        }
      }
      if (run === undefined || life?.ended === true) continue;
      run();
      if (life === null) continue;
      life.steps += 1;
      await settled();
      afterStep(life);
    }
    return steps;
  }

  #next(due: () => number, rested: () => boolean): Happening | undefined {
    for (;;) {
      let head = this.#heap[0];
      while (head !== undefined && (head.run === undefined || head.life?.ended === true)) {
        this.#pop();
        head = this.#heap[0];
      }
      if (head === undefined) {
        if (!rested()) return undefined;
        head = this.#heap[0];
      }
      let first: Happening | undefined;
      for (const poll of this.#polls) if (first === undefined || poll.at < first.at) first = poll;
      if (first === undefined || (head !== undefined && head.at <= first.at)) return this.#pop();
      if (first.run === undefined || first.life!.ended) {
        this.#forget(first);
        continue;
      }
      const at = due();
      if (at <= first.at) {
        this.#forget(first);
        return first;
      }
      const something = head !== undefined && head.at < at ? head.at : at;
      // Nothing will ever be found, and nothing else is planned: the world has come to rest as it is.
      if (something === Infinity) return undefined;
      // In step with its own pace, as if it had looked all the while.
      first.at += Math.max(1, Math.ceil((something - first.at) / pollEveryMs)) * pollEveryMs;
    }
  }

  #forget(poll: Happening): void {
    this.#polls.splice(this.#polls.indexOf(poll), 1);
  }

  #push(happening: Happening): void {
    const heap = this.#heap;
    let index = heap.length;
    heap.push(happening);
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const above = heap[parent]!;
      if (!before(happening, above)) break;
      heap[index] = above;
      index = parent;
    }
    heap[index] = happening;
  }

  #pop(): Happening | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child += 1;
      if (!before(heap[child]!, last)) break;
      heap[index] = heap[child]!;
      index = child;
    }
    heap[index] = last;
    return first;
  }
}

const before = (a: Happening, b: Happening): boolean => a.at < b.at || (a.at === b.at && a.order < b.order);
