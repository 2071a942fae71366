/** The clock of the engine: looks for passed deadlines, again and again. */

/** Calls `look` again and again with a pause in between; never two at a time. */
export function watchDeadlines(look: () => Promise<void>, everyMs: number, onError: (error: unknown) => void) {
  let timer: NodeJS.Timeout | undefined;
  let looking: Promise<void> = Promise.resolve();
  let stopped = false;
  const schedule = (): void => {
    timer = setTimeout(() => {
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
      clearTimeout(timer);
      await looking;
    },
  };
}
