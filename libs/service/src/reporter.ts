/** Repeated trouble in the log: the first of a kind at once, then one line per interval with a count. */
import type { Logger } from './logger.ts';

/** Says that `what` went wrong; the error and details are logged with it. `what` is a kind, so it holds no ids. */
export type Report = (what: string, error?: unknown, details?: Record<string, unknown>) => void;

/** Logs the first of a kind at warn, then at most one in `everyMs`, with the number left out before it. */
export function createReporter(logger: Pick<Logger, 'warn'>, everyMs = 5_000): Report {
  const kinds = new Map<string, { silentUntil: number; leftOut: number }>();
  return (what, error, details = {}) => {
    const now = performance.now();
    const kind = kinds.get(what) ?? { silentUntil: 0, leftOut: 0 };
    kinds.set(what, kind);
    if (now < kind.silentUntil) {
      kind.leftOut += 1;
      return;
    }
    logger.warn(
      {
        ...details,
        ...(error === undefined ? {} : { err: error }),
        ...(kind.leftOut === 0 ? {} : { leftOut: kind.leftOut }),
      },
      what,
    );
    kind.silentUntil = now + everyMs;
    kind.leftOut = 0;
  };
}
