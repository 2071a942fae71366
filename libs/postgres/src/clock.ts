/** Time, as the libraries that wait see it. Handed in, so that a simulation can pass hours in a moment, and in any order. */

/** What `Clock.setTimeout` gives out. */
export interface Timer {
  /** The process may end although this is still to come. */
  unref(): unknown;
}

export interface Clock {
  /** Milliseconds since the epoch that never go back, also when the machine's clock is set. */
  now(): number;
  /** Runs `work` in so many milliseconds. */
  setTimeout(work: () => void, milliseconds: number): Timer;
  /** That work, if it is still to come, is not run. */
  clearTimeout(timer: Timer | undefined): void;
  /** Runs `work` when all that the present turn of the event loop has brought is done. */
  setImmediate(work: () => void): void;
}

/** The one of this machine. */
export const realClock: Clock = {
  now: () => performance.timeOrigin + performance.now(),
  setTimeout: (work, milliseconds) => setTimeout(work, milliseconds),
  clearTimeout: (timer) => clearTimeout(timer as NodeJS.Timeout | undefined),
  setImmediate: (work) => void setImmediate(work),
};
