/** A demonstration's run: one at a time, with its progress, its failure, and an end when the page goes away. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { isAbort } from '../../api/client.ts';
import { ApiError } from '../../api/errors.ts';

export type Work = (signal: AbortSignal, tell: (progress: string) => void) => Promise<void>;

export type Task = {
  busy: boolean;
  /** What is being done now; empty while nothing is. */
  progress: string;
  /** Why the last run failed; null where it did not. */
  error: unknown;
  /** Seconds the API asked to wait before the next run; 0 when that is over. */
  cooling: number;
  run: (work: Work) => void;
  /** Ends the run; what it has shown stays. */
  stop: () => void;
};

/** The task of a demonstration. */
export function useTask(): Task {
  const running = useRef<AbortController | null>(null);
  const [view, setView] = useState({ busy: false, progress: '', error: null as unknown, cooling: 0 });

  useEffect(() => () => running.current?.abort(), []);
  useEffect(() => {
    if (view.cooling === 0) return undefined;
    const timer = setTimeout(() => setView((now) => ({ ...now, cooling: now.cooling - 1 })), 1_000);
    return () => clearTimeout(timer);
  }, [view.cooling]);

  const run = async (work: Work): Promise<void> => {
    if (running.current !== null) return;
    const abort = new AbortController();
    running.current = abort;
    setView({ busy: true, progress: 'One moment…', error: null, cooling: 0 });
    let error: unknown = null;
    try {
      await work(abort.signal, (progress) => {
        if (!abort.signal.aborted) setView((now) => ({ ...now, progress }));
      });
    } catch (thrown) {
      if (!isAbort(thrown) && !abort.signal.aborted) error = thrown;
      // A mistake of this page, not of the mesh: it belongs into the console as well.
      if (error !== null && !(error instanceof ApiError) && !(error instanceof CannotGoOn)) reportError(error);
    } finally {
      running.current = null;
    }
    const cooling = error instanceof ApiError ? (error.details.retryAfterSeconds ?? 0) : 0;
    setView({ busy: false, progress: '', error, cooling: Math.min(cooling, 120) });
  };

  return { ...view, run: (work) => void run(work), stop: () => running.current?.abort() };
}

/** A demonstration could not go on, for a reason a person can be told as it is. */
export class CannotGoOn extends Error {
  constructor(sentence: string) {
    super(sentence);
    this.name = 'CannotGoOn';
  }
}
