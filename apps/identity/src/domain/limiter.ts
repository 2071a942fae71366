/** Bounds how much of something costly runs at once, and how much waits for it. */

/** So many callers wait already that one more is turned away. Trying again later can help. */
export class TooBusy extends Error {
  readonly retryable = true;
  constructor(waiting: number) {
    super(`${waiting} callers are waiting already`);
    this.name = 'TooBusy';
  }
}

/** A gate that lets so many through at a time. */
export interface Limiter {
  /** Runs `work` as soon as there is room, first come first served; rejects with `TooBusy` when the queue is full. */
  run<Result>(work: () => Promise<Result>): Promise<Result>;
}

/** At most `atOnce` run and `maxWaiting` wait. */
export function createLimiter({ atOnce, maxWaiting }: { atOnce: number; maxWaiting: number }): Limiter {
  let running = 0;
  const queue: (() => void)[] = [];

  return {
    async run(work) {
      if (running < atOnce) {
        running += 1;
      } else {
        if (queue.length >= maxWaiting) throw new TooBusy(queue.length);
        // Whoever finishes hands its place over, so `running` does not change and nobody can slip in between.
        await new Promise<void>((resolve) => queue.push(resolve));
      }
      try {
        return await work();
      } finally {
        const next = queue.shift();
        if (next === undefined) running -= 1;
        else next();
      }
    },
  };
}
