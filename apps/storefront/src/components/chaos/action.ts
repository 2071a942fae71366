/** Something a person has asked for: one at a time, and why it failed where it did. */
import { useRef, useState } from 'preact/hooks';
import { ApiError, sentenceOf } from '../../api/errors.ts';

export type Action = {
  busy: boolean;
  /** Why it failed last, as a sentence; null where it did not. */
  problem: string | null;
  /** Does it unless one is under way. Resolves with whether it worked. */
  run: (work: () => Promise<unknown>) => Promise<boolean>;
  /** Forgets why it failed, or says why something was not even tried. */
  tell: (problem: string | null) => void;
};

export function useAction(): Action {
  const running = useRef(false);
  const [view, setView] = useState({ busy: false, problem: null as string | null });
  return {
    ...view,
    async run(work) {
      if (running.current) return false;
      running.current = true;
      setView({ busy: true, problem: null });
      let problem: string | null = null;
      try {
        await work();
      } catch (error) {
        problem = sentenceOf(error);
        // A mistake of this page, not of the mesh: it belongs into the console as well.
        if (!(error instanceof ApiError)) reportError(error);
      }
      running.current = false;
      setView({ busy: false, problem });
      return problem === null;
    },
    tell: (problem) => setView((now) => ({ ...now, problem })),
  };
}
