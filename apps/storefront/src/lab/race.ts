/** What a race shows: its answers counted, and its winner. Pure. */
import type { LabRaceResult } from '@ballast/contracts';
import { versionText } from './rows.ts';

type Racer = LabRaceResult['racers'][number];

/** Answers that are alike: same status, and replayed or not. Milliseconds are medians of the group. */
export type AnswerGroup = {
  status: number;
  replayed: boolean;
  count: number;
  results: string[];
  instances: string[];
  median: number;
  slowest: number;
};

/** The answers in groups, the smallest status first, and of one status those that were not replayed. */
export function groupAnswers(racers: readonly Racer[]): AnswerGroup[] {
  const groups = Map.groupBy(racers, (racer) => `${racer.status} ${racer.replayed === true}`);
  return [...groups.values()]
    .map((alike) => {
      const times = alike.map((racer) => racer.milliseconds).toSorted((one, other) => one - other);
      return {
        status: alike[0]?.status ?? 0,
        replayed: alike[0]?.replayed === true,
        count: alike.length,
        results: [
          ...new Set(
            alike
              .map((racer) => racer.result)
              .filter((result) => result !== null)
              .map(versionText),
          ),
        ],
        instances: [...new Set(alike.map((racer) => racer.instance).filter((name) => name !== null))].toSorted(),
        median: times[Math.floor(times.length / 2)] ?? 0,
        slowest: times.at(-1) ?? 0,
      };
    })
    .toSorted((one, other) => one.status - other.status || Number(one.replayed) - Number(other.replayed));
}

/** How a status looks: `good` won, `refused` was told to try anew, `bad` should not have happened. */
export function toneOfStatus(status: number): 'good' | 'refused' | 'bad' {
  if (status >= 200 && status < 300) return 'good';
  return status >= 500 || status === 0 ? 'bad' : 'refused';
}
