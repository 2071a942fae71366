/** Looks again and again until something has come about, through failures that pass. */
import { ApiError } from '../api/errors.ts';

/** Resolves after that many milliseconds; rejects with an `AbortError` when the signal aborts. */
export function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer);
      reject(new DOMException('The page went on', 'AbortError'));
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop);
      resolve();
    }, milliseconds);
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  });
}

export type Watching<Answer> = {
  /** Milliseconds between two looks. */
  every: number;
  /** Milliseconds after which it is given up. */
  deadline: number;
  signal: AbortSignal;
  /** Told of every answer, the last one included. */
  onAnswer?: (answer: Answer) => void;
  /** Replaceable in tests. */
  surroundings?: { now(): number; pause(milliseconds: number, signal: AbortSignal): Promise<void> };
};

/**
 * The first answer that is what was waited for; null when the deadline passed before. An API that is away for a moment,
 * or asks to wait, is asked again within the deadline; any other failure is thrown.
 */
export async function watchUntil<Answer>(
  look: (signal: AbortSignal) => Promise<Answer>,
  isDone: (answer: Answer) => boolean,
  { every, deadline, signal, onAnswer, surroundings = { now: () => Date.now(), pause } }: Watching<Answer>,
): Promise<Answer | null> {
  const until = surroundings.now() + deadline;
  for (;;) {
    let wait = every;
    try {
      const answer = await look(signal);
      onAnswer?.(answer);
      if (isDone(answer)) return answer;
    } catch (error) {
      if (!(error instanceof ApiError) || !mayPass(error)) throw error;
      wait = Math.max(every, (error.details.retryAfterSeconds ?? 0) * 1_000);
    }
    if (surroundings.now() + wait > until) return null;
    await surroundings.pause(wait, signal);
  }
}

/** Whether it is worth asking again: the API is out of reach or busy. */
function mayPass(error: ApiError): boolean {
  return error.willPass || error.details.kind === 'unreachable';
}
