/**
 * Asks the same questions again and again: each of them at most once at a time, few of them together, none while it is
 * paused. Knows nothing of what is asked. Pure, apart from what it is given.
 */

export type PollerParts<Answer> = {
  /** Must end by itself, in an answer or an error, and at once when `signal` aborts. */
  ask(name: string, signal: AbortSignal): Promise<Answer>;
  answered(name: string, answer: Answer): void;
  /** Milliseconds nobody is to be asked after this failure; 0 for the usual pause. */
  failed(name: string, error: unknown): number;
  /** Milliseconds from the beginning of a round to the next. */
  every: number;
  /** Most questions under way at once. */
  atOnce: number;
  /** Calls back once after that many milliseconds; what it returns calls that off. */
  schedule(callback: () => void, milliseconds: number): () => void;
};

export type Poller = {
  /** Asks these from now on, and at once. Questions under way are given up. */
  begin(names: readonly string[]): void;
  /** Asks everything at once that is not being asked; then goes on as usual. */
  resume(): void;
  /** Begins no more questions; those under way end. */
  pause(): void;
  /** Gives everything up. */
  close(): void;
};

export function createPoller<Answer>(parts: PollerParts<Answer>): Poller {
  let names: readonly string[] = [];
  let waiting: string[] = [];
  let asked = new Set<string>();
  let abort = new AbortController();
  let callOff = (): void => undefined;
  let isPaused = false;

  const next = (milliseconds: number): void => {
    callOff();
    callOff = isPaused || abort.signal.aborted ? () => undefined : parts.schedule(round, milliseconds);
  };

  const round = (): void => {
    // Slow questions are not asked a second time: they are still waiting for their first answer.
    waiting.push(...names.filter((name) => !asked.has(name) && !waiting.includes(name)));
    next(parts.every);
    pump();
  };

  const pump = (): void => {
    while (asked.size < parts.atOnce) {
      const name = waiting.shift();
      if (name === undefined) return;
      void one(name, abort.signal, asked);
    }
  };

  const one = async (name: string, signal: AbortSignal, under: Set<string>): Promise<void> => {
    under.add(name);
    try {
      const answer = await parts.ask(name, signal);
      if (!signal.aborted) parts.answered(name, answer);
    } catch (error) {
      // What was given up has nothing to tell.
      if (signal.aborted) return;
      const rest = parts.failed(name, error);
      if (rest > parts.every) {
        waiting = [];
        next(rest);
      }
    } finally {
      under.delete(name);
      if (!signal.aborted) pump();
    }
  };

  const drop = (): void => {
    callOff();
    abort.abort();
    waiting = [];
    asked = new Set();
  };

  return {
    begin(given) {
      drop();
      abort = new AbortController();
      names = given;
      if (!isPaused) round();
    },
    resume() {
      isPaused = false;
      if (!abort.signal.aborted) round();
    },
    pause() {
      isPaused = true;
      callOff();
      waiting = [];
    },
    close: drop,
  };
}
