/** The auditor: told each second whether anything is broken on purpose, and asked for its verdicts. */
import { Verdicts } from '@ballast/contracts';
import type { Report } from '@ballast/service';
import { Compile } from 'typebox/compile';
import type { FaultWindow } from '../faults/window.ts';
import type { ChaosState } from '../state.ts';
import { bodyOf, reasonOf, type Asker } from './http.ts';
import type { Session } from './operator.ts';

const verdictsCheck = Compile(Verdicts);
const everyMs = 1_000;
const timeoutMs = 2_500;

export interface AuditorLink {
  start(): void;
  /** Tells the fault window now, because it has changed. */
  tell(): void;
  stop(): void;
}

export function createAuditorLink(parts: {
  url: string;
  asker: Asker;
  session: Session;
  state: ChaosState;
  window: () => FaultWindow;
  report: Report;
}): AuditorLink {
  const { url, asker, session, state, window, report } = parts;
  let timer: NodeJS.Timeout | undefined;
  let busy = false;
  let again = false;

  const headers = (): Record<string, string> => {
    const authorization = session.authorization();
    if (authorization === null) throw new Error('the controller is not signed in');
    return { authorization };
  };
  const tellWindow = async (): Promise<void> => {
    const question = { method: 'PUT' as const, url: `${url}/lab/fault-window`, headers: headers(), body: window() };
    const answer = await asker.ask({ ...question, timeoutMs });
    if (answer.status === 401) session.refused();
    if (answer.status !== 204) throw new Error(`the auditor answered ${reasonOf(answer)}`);
  };
  const lookAtVerdicts = async (): Promise<void> => {
    try {
      const answer = await asker.ask({ url: `${url}/verdicts`, headers: headers(), timeoutMs });
      if (answer.status !== 200) throw new Error(`the auditor answered ${reasonOf(answer)}`);
      state.set('verdicts', bodyOf('the auditor', answer, verdictsCheck));
    } catch (error) {
      if (state.get('verdicts') !== null) state.set('verdicts', null);
      throw error;
    }
  };
  const tell = (): void => {
    // What changes while it is being told is told right after.
    if (busy) {
      again = true;
      return;
    }
    busy = true;
    void tellWindow()
      .catch((error: unknown) => report('the auditor cannot be told of faults', error))
      .finally(() => {
        busy = false;
        if (!again) return;
        again = false;
        tell();
      });
  };
  let looking = false;
  const turn = (): void => {
    tell();
    if (looking) return;
    looking = true;
    void lookAtVerdicts()
      .catch((error: unknown) => report('the auditor cannot be asked for its verdicts', error))
      .finally(() => {
        looking = false;
      });
  };

  return {
    start: () => {
      timer = setInterval(turn, everyMs);
      turn();
    },
    tell,
    stop: () => clearInterval(timer),
  };
}
