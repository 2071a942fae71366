/** The clock of the engine: looks for passed deadlines, again and again. */

import type { Clock, Timer } from '@ballast/postgres';

/** Calls `look` again and again with a pause in between; never two at a time. */
export function watchDeadlines(
  look: () => Promise<void>,
  everyMs: number,
  onError: (error: unknown) => void,
  clock: Clock,
) {
  let timer: Timer | undefined;
  let looking: Promise<void> = Promise.resolve();
  let stopped = false;
  const schedule = (): void => {
    timer = clock.setTimeout(() => {
      looking = look().catch(onError);
      void looking.then(() => {
        if (!stopped) schedule();
      });
    }, everyMs);
  };
  return {
    start: () => {
      if (timer === undefined) schedule();
    },
    stop: async () => {
      stopped = true;
      clock.clearTimeout(timer);
      await looking;
    },
  };
}
