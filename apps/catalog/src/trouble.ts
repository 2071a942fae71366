/** Telling the log of trouble that repeats itself, such as a broker that is away, without flooding it. */
import type { Logger } from '@ballast/service';

/** Says that `what` went wrong; `details` are logged with it. */
export type ReportTrouble = (what: string, details: Record<string, unknown>) => void;

/** Logs the first of a kind at warn, then at most one in `everyMs` with the number left out before it. */
export function createTroubleLog(logger: Pick<Logger, 'warn'>, everyMs = 5_000): ReportTrouble {
  const kinds = new Map<string, { silentUntil: number; leftOut: number }>();
  return (what, details) => {
    const now = performance.now();
    const kind = kinds.get(what) ?? { silentUntil: 0, leftOut: 0 };
    kinds.set(what, kind);
    if (now < kind.silentUntil) {
      kind.leftOut += 1;
      return;
    }
    logger.warn(kind.leftOut === 0 ? details : { ...details, leftOut: kind.leftOut }, what);
    kind.silentUntil = now + everyMs;
    kind.leftOut = 0;
  };
}
