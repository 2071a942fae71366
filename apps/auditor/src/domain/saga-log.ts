/** What a saga's log must be like: whole, by the rules of its definition, and with each message in it once. */
import type { SagaDiagram } from '@ballast/contracts';

/** One line of the log. */
export interface LogLine {
  seq: number;
  from: string | null;
  event: string;
  to: string;
  /** The message that caused it; null for the start, deadlines and decisions. */
  messageId: string | null;
  /** Whether a person decided it. */
  decided: boolean;
}

/** States without a way out. `RequiresReview` has one, by a decision. */
const finals = new Set(['Completed', 'Compensated']);
const waiting = 'RequiresReview';

export interface Rules {
  initial: string;
  /** Whether a line is one of the definition's transitions. */
  allows: (from: string, event: string, to: string) => boolean;
}

/**
 * What a definition allows. A line that stays where it was is also an event kept for later, or a compensation that waits
 * for another one: then it is enough that the definition knows the event.
 */
export function rulesOf(diagram: SagaDiagram): Rules {
  const moves = new Set(diagram.transitions.map(({ from, event, to }) => `${from} ${event} ${to}`));
  const events = new Set(diagram.transitions.map(({ event }) => event));
  return {
    initial: diagram.initial,
    allows: (from, event, to) => moves.has(`${from} ${event} ${to}`) || (from === to && events.has(event)),
  };
}

/** What is wrong with a log, in words; null for nothing. `rules` is null while the definition is not known. */
export function brokenLog(
  log: readonly LogLine[],
  saga: { state: string; version: number },
  rules: Rules | null,
): string | null {
  if (log.length !== saga.version)
    return `${saga.version} transitions were made and ${log.length} are in the log, so it has a gap`;
  for (const [place, line] of log.entries()) {
    const before = log[place - 1];
    if (line.seq !== place + 1) return `its log goes from ${before?.seq ?? 0} to ${line.seq}`;
    if (line.from !== (before?.to ?? null))
      return `step ${line.seq} left ${line.from ?? 'nowhere'} when it was in ${before?.to ?? 'no state'}`;
    const { from, event, to } = line;
    if (from === null) {
      if (rules !== null && to !== rules.initial) return `it began in ${to}`;
      continue;
    }
    if (finals.has(from) && to !== from) return `it left ${from} on ${event}`;
    if (from === waiting && to !== from && !line.decided) return `it left its review on ${event}, decided by nobody`;
    if (rules !== null && !rules.allows(from, event, to)) return `no rule leads from ${from} on ${event} to ${to}`;
  }
  const last = log.at(-1);
  return last === undefined || last.to === saga.state ? null : `it is in ${saga.state} and its log ends in ${last.to}`;
}

/** The event that one message has caused more than once; undefined where there is none. */
export function repeatedEffect(log: readonly LogLine[]): LogLine | undefined {
  const seen = new Set<string>();
  return log.find(({ messageId, event }) => {
    if (messageId === null) return false;
    const effect = `${messageId} ${event}`;
    if (seen.has(effect)) return true;
    seen.add(effect);
    return false;
  });
}
