/** `npm run campaign`: breaks a mesh of its own on purpose and says whether anything was lost. */
import { LabProblem } from '@ballast/lab';
import { chaosCommand, NoExperiment } from './chaos/command.ts';
import { readOptions, usage } from './config.ts';
import { openMesh } from './open-mesh.ts';
import { runGuarantees } from './run-guarantees.ts';
import { run, type Report } from './run.ts';
import { readSimulation, runSimulation, simulationUsage } from './simulation/command.ts';

const say = (line: string): void => console.log(line);

function print(report: Report, seed: number): void {
  const kills = Object.entries(report.kills).map(([name, count]) => `${name} ${count}`);
  say('');
  say(`orders placed        ${report.placed} (refused ${report.refused})`);
  say(
    `ends                 ${Object.entries(report.ends)
      .map(([state, count]) => `${state} ${count}`)
      .join(', ')}`,
  );
  say(`kills                ${kills.length === 0 ? 'none' : kills.join(', ')}`);
  say(`last kill to the end ${report.settledAfter.toFixed(1)} s; whole run ${report.seconds.toFixed(1)} s`);
  say(`violations           ${report.violations.length}`);
  for (const violation of report.violations) say(`  ${violation.invariant}: ${violation.detail}`);
  if (report.violations.length > 0) say(`repeat with --seed ${seed}`);
}

let options;
try {
  const simulation = readSimulation(process.argv.slice(2));
  if (simulation !== null) process.exit((await runSimulation(simulation, say)) ? 0 : 1);
  options = readOptions(process.argv.slice(2));
} catch (error) {
  console.error(`${error instanceof Error ? error.message : String(error)}\n\n${usage}`);
  process.exit(1);
}
if (options === null) {
  say(`${usage}\n\n${simulationUsage}`);
  process.exit(0);
}

if (options.guarantees !== undefined) {
  try {
    process.exit((await runGuarantees(options.guarantees, { portBase: options.portBase, say })) ? 0 : 1);
  } catch (error) {
    if (!(error instanceof LabProblem || error instanceof TypeError)) throw error;
    console.error(error.message);
    process.exit(1);
  }
}

if (options.minutes !== undefined || options.experiment !== undefined) {
  try {
    const { passed } = await chaosCommand({ ...options, minutes: options.minutes ?? 0 }, say);
    process.exit(passed ? 0 : 1);
  } catch (error) {
    if (!(error instanceof LabProblem || error instanceof NoExperiment)) throw error;
    console.error(error.message);
    process.exit(1);
  }
}

try {
  say('starting a mesh of its own …');
  const { thing: mesh, close } = await openMesh({ portBase: options.portBase, disposable: false });
  try {
    const report = await run(mesh, { ...options, say });
    print(report, options.seed);
    const noKill = options.killEvery > 0 && Object.keys(report.kills).length === 0;
    const oneEnd =
      report.ends['Completed'] === undefined || (options.declined > 0 && report.ends['Compensated'] === undefined);
    const hollow = noKill || oneEnd;
    if (noKill) say('hollow run: nothing was killed; place more orders or kill more often');
    if (oneEnd) say('hollow run: both ends, Completed and Compensated, must be reached');
    process.exitCode = report.violations.length > 0 || report.refused > 0 || hollow ? 1 : 0;
  } finally {
    await close();
  }
} catch (error) {
  if (!(error instanceof LabProblem)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
