/** Repeated trouble in the log: the first of a kind at once, then one line per interval with a count. */
import type { Logger } from './logger.ts';

/** Logs `message` at warn, at most once per `everyMs` and message; what was left out is counted in the next line. */
export function createReporter(logger: Logger, everyMs = 5_000): (message: string, error?: unknown) => void {
  const last = new Map<string, { at: number; suppressed: number }>();
  return (message, error) => {
    const now = Date.now();
    const known = last.get(message);
    if (known !== undefined && now - known.at < everyMs) {
      known.suppressed += 1;
      return;
    }
    last.set(message, { at: now, suppressed: 0 });
    logger.warn(
      { err: error, ...(known !== undefined && known.suppressed > 0 ? { suppressed: known.suppressed } : {}) },
      message,
    );
  };
}
