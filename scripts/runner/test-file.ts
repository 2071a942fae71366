/** Runs files of tests in a process of their own and counts what came of it. Whatever is not a passed test is a failure. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Ended, endMarked, runCommand } from './processes.ts';
import type { ReportLine } from './reporter.ts';

/** What became of a process. `failures` has one text for each failed test, or for what befell it as a whole. */
export type FileResult = { passed: number; failures: readonly string[]; output: string; milliseconds: number };

/** Where and how to run it. `limit` is in milliseconds; `preloads` are arguments for Node. */
export type FileOptions = { root: string; limit: number; environment: NodeJS.ProcessEnv; preloads?: readonly string[] };

/** Set to a value of its own in every process that a test file starts. */
const marker = 'BALLAST_TEST_FILE';
const reporter = join(import.meta.dirname, 'reporter.ts');

/** Runs `files`, paths relative to the root of the repository, in their order: one alone, or several that share what costs. */
export async function runTestFiles(
  files: readonly string[],
  { root, limit, environment, preloads = [] }: FileOptions,
): Promise<FileResult> {
  const folder = mkdtempSync(join(tmpdir(), 'ballast-test-'));
  const report = join(folder, 'report.jsonl');
  try {
    const ended = await runCommand({
      program: process.execPath,
      arguments: [
        ...preloads,
        `--test-reporter=${reporter}`,
        `--test-reporter-destination=${report}`,
        ...entry(files.map((file) => join(root, file))),
      ],
      workingDirectory: root,
      environment: { ...environment, [marker]: folder },
      limit,
    });
    const leftovers = await endMarked(marker, folder);
    return { ...judge(readReport(report), ended, leftovers, limit), ...ended };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** `node --test --test-isolation=none` would run them by the alphabet. */
function entry(files: readonly string[]): readonly string[] {
  return files.length === 1 ? files : [join(import.meta.dirname, 'together.ts'), ...files];
}

/** Counts every test that passed, and a failure for each test or file that did anything else. */
function judge(
  lines: readonly ReportLine[],
  ended: Pick<Ended, 'code' | 'signal' | 'timedOut'>,
  leftovers: readonly string[],
  limit: number,
): Pick<FileResult, 'passed' | 'failures'> {
  let passed = 0;
  const failures: string[] = [];
  for (const { line, path } of withPaths(lines)) {
    if (line.notRun !== undefined) failures.push(`${path} was not run: ${line.notRun}`);
    else if (!line.passed && !(line.isSuite && line.failureType === 'subtestsFailed')) {
      failures.push(`${path}\n${line.error ?? 'failed without saying why'}`);
    } else if (line.passed && !line.isSuite) passed += 1;
  }
  const complete = lines.some(({ kind }) => kind === 'summary');
  if (ended.timedOut) failures.push(`was ended after its limit of ${limit / 1000} s`);
  else if (ended.signal !== null) failures.push(`was ended by ${ended.signal}`);
  else if (lines.length === 0 && ended.code === 0) failures.push('ended without a word of any test');
  else if (!complete) failures.push(`ended with code ${ended.code} before its tests did`);
  else if (passed + failures.length === 0) failures.push('ran no test');
  else if (ended.code !== 0 && failures.length === 0) failures.push(`ended with code ${ended.code} after its tests`);
  if (leftovers.length > 0) failures.push(`left processes running: ${leftovers.join('; ')}`);
  return { passed, failures };
}

type TestLine = Extract<ReportLine, { kind: 'test' }>;

/** Node reports a suite after what is in it; this gives each line the names of those around it. */
function withPaths(lines: readonly ReportLine[]): { line: TestLine; path: string }[] {
  const tests = lines.filter((line) => line.kind === 'test');
  const around: string[] = [];
  return tests
    .toReversed()
    .map((line) => {
      around.length = line.nesting;
      around.push(line.name);
      return { line, path: around.join(' > ') };
    })
    .toReversed();
}

function readReport(path: string): ReportLine[] {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    // A process that died early has not made the file.
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
  // The last line of a process that was killed may be cut short.
  const complete = text.slice(0, text.lastIndexOf('\n') + 1);
  return complete
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as ReportLine);
}
