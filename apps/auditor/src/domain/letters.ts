/**
 * Messages given up while nothing was broken. Dead letters lie with the broker; what witnesses them here is that a service
 * has counted one more. Those that come while a fault is active, or was just now, are that fault's: poison is one.
 */
import type { Offence } from './board.ts';

/** Messages a process has given up since its start, by queue. */
export interface GivenUp {
  instance: string;
  /** When its process began, in ms since the epoch. */
  startedAt: number;
  queues: Readonly<Record<string, number>>;
}

export interface LetterJudge {
  /** `excused` says that what has come since the look before is a fault's. */
  judge(counts: readonly GivenUp[], excused: boolean): Offence[];
  /** All that were given up since the first look, and those of them that are excused. */
  readonly totals: { all: number; excused: number };
}

const mostRemembered = 1_000;

/** Messages given up before `since` (ms since the epoch) are nobody's news. */
export function createLetterJudge(since: number): LetterJudge {
  /** By instance. */
  const before = new Map<string, GivenUp>();
  const offences = new Map<string, Offence>();
  const totals = { all: 0, excused: 0 };

  const news = (now: GivenUp): [queue: string, count: number][] => {
    const known = before.get(now.instance);
    before.set(now.instance, now);
    const isSame = known?.startedAt === now.startedAt;
    if (!isSame && now.startedAt < since) return [];
    return Object.entries(now.queues)
      .map(([queue, count]): [string, number] => [queue, count - (isSame ? (known.queues[queue] ?? 0) : 0)])
      .filter(([, count]) => count > 0);
  };

  return {
    totals,
    judge: (counts, excused) => {
      for (const now of counts) {
        for (const [queue, count] of news(now)) {
          totals.all += count;
          if (excused) totals.excused += count;
          if (excused || offences.size >= mostRemembered) continue;
          const key = `${now.instance}@${now.startedAt} ${queue} ${now.queues[queue]}`;
          const why = `${now.instance} has given up ${count} of ${queue} while nothing was broken`;
          offences.set(key, { id: `${queue}:${now.instance}`, key, why, lasts: 0 });
        }
      }
      return [...offences.values()];
    },
  };
}
