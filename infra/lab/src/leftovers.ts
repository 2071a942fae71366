/** Ends what a supervisor that was killed left running, and nothing else. */
import { isAlive, processesMarked, processesWorkingIn, send, treeOf } from './process-table.ts';
import type { LabPaths } from './paths.ts';
import { readState } from './state-file.ts';
import { LabProblem } from './problem.ts';
import { until } from './waiting.ts';
import { join } from 'node:path';

const politeness = 10_000;

/**
 * Stops every process of a lab whose supervisor is gone; answers how many components or stray processes there were.
 * A process is ours when pid and start time are as recorded, or when it carries the lab's marker in its environment.
 * @throws LabProblem when one survives SIGKILL.
 */
export async function endLeftovers(paths: LabPaths): Promise<number> {
  const recorded = (readState(paths)?.components ?? [])
    .map((component) => component.process)
    .filter((identity) => identity !== null)
    .filter(isAlive);
  const everyone = (): Set<number> =>
    new Set([
      ...recorded.filter(isAlive).map((identity) => identity.pid),
      ...processesMarked(paths.root),
      ...processesWorkingIn(join(paths.data, 'postgres')),
    ]);
  const leaders = new Set([...recorded.map((identity) => identity.pid), ...processesMarked(paths.root)]);
  if (everyone().size === 0) return 0;
  for (const pid of leaders) {
    for (const member of treeOf(pid)) send(member, 'SIGCONT');
    send(pid, 'SIGTERM');
  }
  if (!(await until(() => everyone().size === 0, { timeout: politeness, interval: 100 }))) {
    for (const pid of everyone()) send(pid, 'SIGKILL');
  }
  if (!(await until(() => everyone().size === 0, { timeout: 5000, interval: 50 }))) {
    throw new LabProblem(
      'lab',
      `Processes ${[...everyone()].join(', ')} are left from an earlier run and do not end; end them by hand with "kill -9".`,
    );
  }
  return leaders.size;
}
