/** `npm run stop`: stops the lab that runs, from any terminal, and whatever one that was killed has left. */
import { readConfig } from './config.ts';
import { endLeftovers } from './leftovers.ts';
import { labPaths } from './paths.ts';
import { isAlive, send } from './process-table.ts';
import { describe, LabProblem } from './problem.ts';
import { forget, runningSupervisor } from './state-file.ts';
import { until } from './waiting.ts';

/** Services have 10 s, parts 20 s; the rest is margin. */
const stopTimeout = 60_000;

try {
  await stop();
} catch (error) {
  if (!(error instanceof LabProblem)) throw error;
  console.error(describe(error));
  process.exitCode = 1;
}

async function stop(): Promise<void> {
  const paths = labPaths(readConfig(process.env).dataDirectory);
  const supervisor = runningSupervisor(paths);
  if (supervisor !== undefined) {
    console.log('Stopping…');
    send(supervisor.pid, 'SIGTERM');
    if (!(await until(() => !isAlive(supervisor), { timeout: stopTimeout, interval: 50 }))) {
      send(supervisor.pid, 'SIGKILL');
    }
  }
  const leftovers = await endLeftovers(paths);
  forget(paths);
  if (supervisor === undefined && leftovers === 0) console.log('Ballast is not running.');
  else if (supervisor === undefined) {
    console.log(`Its supervisor was gone; stopped the ${leftovers} processes it had left.`);
  } else console.log('Stopped; nothing is left running.');
}
