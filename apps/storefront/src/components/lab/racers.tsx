/** The answers of a race, group by group. */
import type { LabRaceResult } from '@ballast/contracts';
import { groupAnswers, toneOfStatus } from '../../lab/race.ts';
import { formatDuration } from '../../format/time.ts';
import { Marks } from './marks.tsx';

export function Racers({ result, noun }: { result: LabRaceResult; noun: string }) {
  const groups = groupAnswers(result.racers);
  const words = (status: number, replayed: boolean): string => `${status}${replayed ? ', replayed' : ''}`;
  return (
    <>
      <Marks
        marks={result.racers.map(({ status, replayed }) => (replayed === true ? 'other' : toneOfStatus(status)))}
        groups={groups.map(({ status, replayed, count }) => ({
          tone: replayed ? 'other' : toneOfStatus(status),
          label: words(status, replayed),
          count,
        }))}
      />
      <table class="rows" data-testid="race-groups">
        <caption>Answers</caption>
        <thead>
          <tr>
            <th scope="col">Status</th>
            <th scope="col">Callers</th>
            <th scope="col">{noun}</th>
            <th scope="col">Answered by</th>
            <th scope="col">Median</th>
            <th scope="col">Slowest</th>
          </tr>
        </thead>
        <tbody>
          {groups.map((group) => (
            <tr key={words(group.status, group.replayed)}>
              <td data-column="Status">{words(group.status, group.replayed)}</td>
              <td data-column="Callers">{group.count}</td>
              <td data-column={noun}>
                {group.results.length > 2 ? `${group.results.length} different` : group.results.join(', ')}
              </td>
              <td data-column="Answered by">{group.instances.join(', ')}</td>
              <td data-column="Median">{formatDuration(group.median)}</td>
              <td data-column="Slowest">{formatDuration(group.slowest)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}
