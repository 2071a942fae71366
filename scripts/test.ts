/**
 * `npm test`: all checks and tests of the repository, one line for each, and `N passed, N failed` at the end. Runs beside
 * `npm start` without touching it: parts, ports and data are its own. Exit code 1 when anything failed or nothing ran.
 */
import { globSync } from 'node:fs';
import { resolve } from 'node:path';
import { type RunningParts, startParts } from '@ballast/lab';
import { type Group, type Options, readOptions, usage } from './runner/options.ts';
import { endAll, runCommand } from './runner/processes.ts';
import { show, showEnd, showIndented, startHeartbeat, step } from './runner/screen.ts';
import { checkLimit, type StaticCheck, staticChecks } from './runner/static-checks.ts';
import { runTestFile } from './runner/test-file.ts';

const root = resolve(import.meta.dirname, '..');
/** As many as the smallest machine has cores. */
const filesAtOnce = 2;
const unitLimit = 180_000;
const journeyLimit = 15 * 60_000;
const unitFiles = ['{libs,apps,infra,campaign}/**/test/**/*.test.ts', 'scripts/test/**/*.test.ts'];
const journeyFiles = ['e2e/test/**/*.test.ts'];

/** Tools and tests print plain lines: their output is shown only when they fail, often in a log. */
const environment: NodeJS.ProcessEnv = { ...process.env, NO_COLOR: '1', FORCE_COLOR: undefined };

const total = { passed: 0, failed: 0 };
let interrupted: NodeJS.Signals | undefined;
let parts: RunningParts | undefined;

await main();

async function main(): Promise<void> {
  let options: Options;
  try {
    options = readOptions(process.argv.slice(2));
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\nUsage: ${usage}`);
    process.exitCode = 1;
    return;
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => interrupt(signal));
  const stopHeartbeat = startHeartbeat();
  const phases: Record<Group, () => Promise<void>> = {
    static: async () => await runStaticChecks(options.filter),
    unit: async () => await runUnitTests(options.filter),
    e2e: async () => await runFiles(find(journeyFiles, options.filter), 1, journeyLimit, environment),
  };
  for (const [group, run] of Object.entries(phases)) {
    if (interrupted === undefined && (options.only ?? group) === group) await run();
  }
  stopHeartbeat();
  if (total.passed + total.failed === 0) show('nothing ran');
  if (interrupted !== undefined) show(`interrupted by ${interrupted}: not everything ran`);
  show(`${total.passed} passed, ${total.failed} failed`);
  if (total.failed > 0 || total.passed === 0) process.exitCode = 1;
  if (interrupted !== undefined) process.exitCode = 130;
}

async function runStaticChecks(filter: string): Promise<void> {
  for (const check of staticChecks.filter(({ name }) => name.includes(filter))) {
    if (interrupted === undefined) await step(check.name, async () => await runStaticCheck(check));
  }
}

async function runStaticCheck({ name, commands }: StaticCheck): Promise<void> {
  const started = performance.now();
  let output = '';
  let failed = false;
  for (const [program, ...args] of commands) {
    const ended = await runCommand({
      program: resolve(root, program),
      arguments: args,
      workingDirectory: root,
      environment,
      limit: checkLimit,
    });
    if (ended.code === 0) continue;
    failed = true;
    output += ended.output;
    if (ended.timedOut) output += `\nended after its limit of ${checkLimit / 1000} s\n`;
  }
  record(name, performance.now() - started, failed ? 0 : 1, failed ? [''] : [], output);
}

/** All of them share one set of parts: each file makes a database and a broker namespace of its own in it. */
async function runUnitTests(filter: string): Promise<void> {
  const files = find(unitFiles, filter);
  if (files.length === 0) return;
  const started = performance.now();
  try {
    parts = await step(
      'private parts',
      async () =>
        await startParts({
          onEvent: (event) => {
            if (event.type === 'progress') show(`${event.component}: ${event.message}`);
          },
        }),
    );
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    record('private parts', performance.now() - started, 0, [reason], '');
    return;
  }
  showEnd('ready', 'private parts', performance.now() - started);
  try {
    await runFiles(files, filesAtOnce, unitLimit, { ...environment, ...parts.environment });
  } finally {
    await parts.stop();
  }
}

async function runFiles(
  files: readonly string[],
  atOnce: number,
  limit: number,
  testEnvironment: NodeJS.ProcessEnv,
): Promise<void> {
  const waiting = [...files];
  const worker = async (): Promise<void> => {
    for (let file = waiting.shift(); file !== undefined && interrupted === undefined; file = waiting.shift()) {
      const name = file;
      const result = await step(
        name,
        async () => await runTestFile(name, { root, limit, environment: testEnvironment }),
      );
      if (interrupted === undefined) record(name, result.milliseconds, result.passed, result.failures, result.output);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}

/** Counts and shows what became of one check or file. */
function record(name: string, milliseconds: number, passed: number, failures: readonly string[], output: string): void {
  total.passed += passed;
  total.failed += failures.length;
  const note = passed + failures.length > 1 ? `${passed} passed, ${failures.length} failed` : '';
  showEnd(failures.length === 0 ? 'passed' : 'failed', name, milliseconds, note);
  if (failures.length === 0) return;
  for (const failure of failures) showIndented(failure);
  showIndented(output);
}

function find(patterns: readonly string[], filter: string): string[] {
  return globSync(patterns, { cwd: root, exclude: (path) => /(^|\/)(node_modules|dist|\.lab)(\/|$)/.test(path) })
    .filter((path) => path.includes(filter))
    .toSorted();
}

/** Ends what runs; main then comes to its end by itself. A second time, it ends at once. */
function interrupt(signal: NodeJS.Signals): void {
  if (interrupted !== undefined) {
    process.exitCode = 130;
    void endAll().finally(() => process.exit());
    return;
  }
  interrupted = signal;
  show(`${signal}: ending what runs`);
  void endAll();
}
