/** `npm run status`: what runs, from any terminal: recorded state, checked against the process table and each readiness URL. */
import { readConfig } from './config.ts';
import { labPaths } from './paths.ts';
import { accepts, loopback } from './ports.ts';
import { isAlive } from './process-table.ts';
import { describe, LabProblem } from './problem.ts';
import { type LabState, readState, runningSupervisor } from './state-file.ts';

try {
  await status();
} catch (error) {
  if (!(error instanceof LabProblem)) throw error;
  console.error(describe(error));
  process.exitCode = 1;
}

async function status(): Promise<void> {
  const paths = labPaths(readConfig(process.env).dataDirectory);
  const state = readState(paths);
  const supervisor = runningSupervisor(paths);
  if (state === undefined) {
    console.log(supervisor === undefined ? 'Ballast is not running.' : 'Ballast is being started.');
    return;
  }
  const rows = await Promise.all(state.components.map(async (component) => await row(component)));
  if (supervisor === undefined) {
    const alive = state.components.filter(({ process }) => process !== null && isAlive(process)).length;
    console.log(
      `Ballast is not running: its supervisor was killed and left ${alive} processes; "npm run stop" or the next start ends them.`,
    );
  } else {
    console.log(`Ballast runs since ${state.startedAt} (process ${supervisor.pid}).`);
  }
  for (const line of rows) console.log(line);
  if (supervisor === undefined) return;
  for (const [name, url] of Object.entries(state.urls)) console.log(`  ${name.padEnd(26)} ${url}`);
  for (const standIn of state.standIns) console.log(`  stand-in: ${standIn}`);
}

async function row(component: LabState['components'][number]): Promise<string> {
  const { name, process: identity, restarts, address } = component;
  const alive = identity !== null && isAlive(identity);
  const answers = alive && (await accepts(loopback, component.port));
  const state = alive ? (answers ? component.state : `${component.state}, silent`) : 'not running';
  const pid = alive ? `pid ${identity.pid}` : '';
  const again = restarts === 0 ? '' : `restarted ${restarts}×`;
  return `  ${state.padEnd(12)} ${name.padEnd(17)} ${address.padEnd(24)} ${pid.padEnd(12)} ${again}`.trimEnd();
}
