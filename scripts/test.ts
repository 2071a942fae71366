/**
 * `npm test`: all checks and tests of the repository, one line for each, and `N passed, N failed` at the end. Runs beside
 * `npm start` without touching it: parts, ports and data are its own. Exit code 1 when anything failed or nothing ran.
 */
import { globSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import {
  buildStorefront,
  type BundledPackages,
  bundlePackages,
  type RunningParts,
  startParts,
  storefrontIsStale,
} from '@ballast/lab';
import { type Group, type Options, readOptions, usage } from './runner/options.ts';
import { type Job, type Lane, runJobs } from './runner/pool.ts';
import { endAll, runCommand } from './runner/processes.ts';
import { type Failed, recap } from './runner/recap.ts';
import { show, showEnd, showIndented, startHeartbeat, step } from './runner/screen.ts';
import { checkLimit, type StaticCheck, staticChecks } from './runner/static-checks.ts';
import { runTestFiles } from './runner/test-file.ts';

const root = resolve(import.meta.dirname, '..');
/** Four times the cores of the smallest machine: most tests wait for most of their time. */
const room = 8;
const unitLane: Lane = { room: 1, atOnce: room };
/** One keeps a core busy. */
const checkLane: Lane = { room: 1, atOnce: 1 };
/** A journey brings some fifteen processes along. */
const journeyLane: Lane = { room: 3, atOnce: 2 };
const unitLimit = 5 * 60_000;
const journeyLimit = 15 * 60_000;
const unitFiles = ['{libs,apps,infra,campaign}/**/test/**/*.test.ts', 'scripts/test/**/*.test.ts'];
const journeyFiles = ['e2e/test/**/*.test.ts'];
/** Journeys that share a process and so a mesh, in their order: some want it as it started. Those that take longest come first. */
const sharing = [
  ['parts', 'crash', 'browser'],
  ['contract', 'devices', 'chaos-page'],
  ['hostile', 'review', 'revocation', 'shutdown'],
].map((names) => names.map((name) => `e2e/test/${name}.test.ts`));
/** Folders whose files take long come first, so that none of them is left alone at the end. */
const order = ['e2e/', 'campaign/', 'scripts/', 'infra/', 'apps/', 'libs/'];
/** Ports for the meshes of journeys, and for all else that tests start: each slot of the pool has its own. */
const meshPorts = (slot: number): string => range(10_000, 1_500, slot);
const freePorts = (slot: number): string => range(22_000, 1_250, slot);

/**
 * Tools and tests print plain lines: their output is shown only when they fail, often in a log. What one process has
 * compiled the next ones take from a folder: hundreds of them load the same sources.
 */
const compiled = mkdtempSync(join(tmpdir(), 'ballast-compiled-'));
process.on('exit', () => rmSync(compiled, { recursive: true, force: true }));
const environment: NodeJS.ProcessEnv = {
  ...process.env,
  NO_COLOR: '1',
  FORCE_COLOR: undefined,
  NODE_COMPILE_CACHE: compiled,
};

const total = { passed: 0, failed: 0 };
const failed: Failed[] = [];
let interrupted: NodeJS.Signals | undefined;

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
  const wants = (group: Group): boolean => (options.only ?? group) === group;
  const units = wants('unit') ? find(unitFiles, options.filter) : [];
  const journeys = wants('e2e') ? find(journeyFiles, options.filter) : [];
  const prepared: Prepared = {
    packages: units.length + journeys.length === 0 ? undefined : prepare('packages', bundlePackages),
    parts: units.length === 0 ? undefined : startPrivateParts(),
    pages: journeys.length === 0 ? undefined : buildPages(),
  };
  try {
    const checks = wants('static') ? staticChecks.filter(({ name }) => name.includes(options.filter)) : [];
    await runPool(checks, units, journeys, prepared);
  } finally {
    await (await prepared.parts)?.stop();
  }
  stopHeartbeat();
  for (const line of recap(failed)) show(line);
  if (total.passed + total.failed === 0) show('nothing ran');
  if (interrupted !== undefined) show(`interrupted by ${interrupted}: not everything ran`);
  show(`${total.passed} passed, ${total.failed} failed`);
  if (total.failed > 0 || total.passed === 0) process.exitCode = 1;
  if (interrupted !== undefined) process.exitCode = 130;
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

/** What tests wait for, each for what it needs. */
type Prepared = {
  packages: Promise<BundledPackages | undefined> | undefined;
  parts: Promise<RunningParts | undefined> | undefined;
  pages: Promise<unknown> | undefined;
};

/** Everything in one pool: where journeys wait, as they often do, there is something else to be done. */
async function runPool(
  checks: readonly StaticCheck[],
  units: readonly string[],
  journeys: readonly string[],
  { packages, parts, pages }: Prepared,
): Promise<void> {
  const check = (chosen: StaticCheck): Job => ({
    lane: checkLane,
    run: async () => await step(chosen.name, async () => await runStaticCheck(chosen)),
  });
  const unit = (file: string): Job => ({
    lane: unitLane,
    run: async (slot) => {
      const running = await parts;
      if (running === undefined) return;
      const given = { ...running.environment, TEST_FREE_PORTS: freePorts(slot) };
      await runProcess([file], unitLimit, given, await packages);
    },
  });
  const journey = (files: readonly string[]): Job => ({
    lane: journeyLane,
    run: async (slot) => {
      await pages;
      const given = { TEST_PORT_RANGE: meshPorts(slot), TEST_FREE_PORTS: freePorts(slot) };
      await runProcess(files, journeyLimit, given, await packages);
    },
  });
  await runJobs([...checks.map(check), ...inProcesses(journeys).map(journey), ...units.map(unit)], {
    room,
    isOver: () => interrupted !== undefined,
  });
}

/** Unit tests share one set: each file makes a database and a broker namespace of its own in it. Undefined: it failed. */
async function startPrivateParts(): Promise<RunningParts | undefined> {
  return await prepare('private parts', async () =>
    startParts({
      onEvent: (event) => {
        if (event.type === 'progress') show(`${event.component}: ${event.message}`);
      },
    }),
  );
}

/** The meshes of two journeys would build them at the same time. */
async function buildPages(): Promise<void> {
  if (storefrontIsStale()) await prepare('pages', buildStorefront);
}

/** Something that tests need; where it fails that is a failure by itself. */
async function prepare<Result>(name: string, work: () => Promise<Result>): Promise<Result | undefined> {
  const started = performance.now();
  try {
    const result = await step(name, work);
    showEnd('ready', name, performance.now() - started);
    return result;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    record(name, performance.now() - started, 0, [reason], '');
    return undefined;
  }
}

/** The files of each process. */
function inProcesses(journeys: readonly string[]): string[][] {
  const shared = sharing.map((files) => files.filter((file) => journeys.includes(file)));
  const alone = journeys.filter((file) => !sharing.flat().includes(file)).map((file) => [file]);
  return [...shared, ...alone].filter((files) => files.length > 0);
}

async function runProcess(
  files: readonly string[],
  limit: number,
  given: Readonly<Record<string, string>>,
  packages: BundledPackages | undefined,
): Promise<void> {
  const name = files.join(' ');
  const options = {
    root,
    limit,
    environment: { ...environment, ...packages?.environment, ...given },
    preloads: packages?.arguments ?? [],
  };
  const result = await step(name, async () => await runTestFiles(files, options));
  if (interrupted === undefined) record(name, result.milliseconds, result.passed, result.failures, result.output);
}

/** Counts and shows what became of one check or file. */
function record(name: string, milliseconds: number, passed: number, failures: readonly string[], output: string): void {
  total.passed += passed;
  total.failed += failures.length;
  const note = passed + failures.length > 1 ? `${passed} passed, ${failures.length} failed` : '';
  showEnd(failures.length === 0 ? 'passed' : 'failed', name, milliseconds, note);
  if (failures.length === 0) return;
  failed.push({ name, failures, output });
  for (const failure of failures) showIndented(failure);
  showIndented(output);
}

/** `first-last` of the ports of a slot. */
function range(first: number, each: number, slot: number): string {
  return `${first + slot * each}-${first + (slot + 1) * each - 1}`;
}

function find(patterns: readonly string[], filter: string): string[] {
  return globSync(patterns, { cwd: root, exclude: (path) => /(^|\/)(node_modules|dist|\.lab)(\/|$)/.test(path) })
    .filter((path) => path.includes(filter))
    .toSorted()
    .toSorted((one, other) => rankOf(one) - rankOf(other));
}

function rankOf(path: string): number {
  const rank = order.findIndex((folder) => path.startsWith(folder));
  return rank === -1 ? order.length : rank;
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
