/** `npm run campaign -- --seed 7 --minutes 5` and `--experiment FILE`: a mesh of its own, one run, one report. */
import { readFile, writeFile } from 'node:fs/promises';
import { Experiment } from '@ballast/contracts';
import { guarded } from '@ballast/lab';
import { Compile } from 'typebox/compile';
import { reportLines, type ChaosReport } from './report.ts';
import { runChaos } from './run-chaos.ts';
import { openStage } from './stage.ts';

export interface ChaosCommand {
  seed: number;
  /** Length of a schedule that is drawn from the seed. */
  minutes: number;
  /** A file with an experiment, in place of that. */
  experiment: string | undefined;
  /** A file to write the report to. */
  report: string | undefined;
  /** Whether logs and data stay when it is over. */
  keep: boolean;
  portBase: number;
}

const experimentCheck = Compile(Experiment);

/** A file that holds no experiment; the message is for a person. */
export class NoExperiment extends Error {
  override name = 'NoExperiment';
}

/**
 * Starts a mesh, runs, prints and stops it. Resolves to the report.
 * Throws {@link NoExperiment}.
 */
export async function chaosCommand(command: ChaosCommand, say: (line: string) => void): Promise<ChaosReport> {
  const experiment = command.experiment === undefined ? undefined : await readExperiment(command.experiment);
  const seed = experiment?.seed ?? command.seed;
  say('starting a mesh of its own …');
  const { thing: stage, close } = await guarded(
    (signal) => openStage({ portBase: command.portBase, seed, keep: command.keep, signal }),
    (opened) => opened.close(),
  );
  try {
    const report = await runChaos(stage, {
      seed,
      experiment,
      seconds: Math.round(command.minutes * 60),
      repeat: repeatOf(command),
      say,
    });
    for (const line of reportLines(report)) say(line);
    if (command.report !== undefined) await writeFile(command.report, `${JSON.stringify(report, null, 2)}\n`);
    return report;
  } finally {
    if (command.keep) say(`logs and data are kept in ${stage.dataDirectory}`);
    await close();
  }
}

/** The command that does the same again. */
export function repeatOf({ seed, minutes, experiment }: ChaosCommand): string {
  const what = experiment === undefined ? `--seed ${seed} --minutes ${minutes}` : `--experiment ${experiment}`;
  return `npm run campaign -- ${what}`;
}

/** Reads and checks an exported experiment. Throws {@link NoExperiment} that says what is wrong with it. */
export async function readExperiment(file: string): Promise<Experiment> {
  let value: unknown;
  try {
    value = JSON.parse(await readFile(file, 'utf8'));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new NoExperiment(`--experiment: ${file} cannot be read: ${why}`, { cause: error });
  }
  if (experimentCheck.Check(value)) return value;
  const first = experimentCheck.Errors(value)[0];
  throw new NoExperiment(
    `--experiment: ${file} is no experiment: ${first?.instancePath ?? ''} ${first?.message ?? ''}`.trim(),
  );
}
