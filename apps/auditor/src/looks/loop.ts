/** Looking again and again: never two at a time, each begun on time where the one before left room for it. */

export interface Loop {
  start(): void;
  /** Begins nothing more; resolves once the look in hand is done. */
  stop(): Promise<void>;
}

/** In ms; see below. */
const patienceMs = 10_000;

/**
 * Calls `look` every `everyMs`, counted from begin to begin. With `pauses` the rest is at least so many times as long as the
 * look was, for looks that grow with what there is; but where that would be longer than `patienceMs`, ten times as long is
 * enough: a look that was slow once, on a busy machine, is not put off for minutes. What a look throws goes to `onError`.
 */
export function createLoop(
  look: () => Promise<void>,
  everyMs: number,
  onError: (error: unknown) => void,
  pauses = 0,
): Loop {
  let timer: NodeJS.Timeout | undefined;
  let looking: Promise<void> = Promise.resolve();
  let stopped = false;
  const run = (): void => {
    const begun = performance.now();
    looking = look().catch(onError);
    void looking.then(() => {
      if (stopped) return;
      const took = performance.now() - begun;
      timer = setTimeout(run, Math.max(20, everyMs - took, Math.min(took * pauses, Math.max(patienceMs, took * 10))));
    });
  };
  return {
    start: () => {
      if (timer === undefined && !stopped) timer = setTimeout(run, 0);
    },
    stop: async () => {
      stopped = true;
      clearTimeout(timer);
      await looking;
    },
  };
}
