/** Whatever is not a passed test is a failure: the runner is shown files that crash, hang, skip, or hold no test at all. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it, type TestContext } from 'node:test';
import { readOptions } from '../runner/options.ts';
import { type FileResult, runTestFiles } from '../runner/test-file.ts';

const limit = 30_000;
/** Only there can the runner see processes that left its group. */
const onLinux = { skip: process.platform !== 'linux' };
/** `test` and `describe` are there by their own names in every file that is run here. */
const opening = "import { after, describe, test } from 'node:test';\n";

/** Several sources are files of one process. */
async function run(
  context: TestContext,
  sources: string | readonly string[],
  milliseconds: number = limit,
): Promise<FileResult> {
  const root = mkdtempSync(join(tmpdir(), 'ballast-runner-'));
  context.after(() => rmSync(root, { recursive: true, force: true }));
  const files = [sources].flat().map((source, index) => {
    // The alphabet must not be what orders them.
    const file = `${9 - index}.test.ts`;
    writeFileSync(join(root, file), opening + source);
    return file;
  });
  // The process that runs this file must not be taken for the parent of a `node --test`.
  const environment = { ...process.env, NODE_TEST_CONTEXT: undefined };
  return await runTestFiles(files, { root, limit: milliseconds, environment });
}

/** A process that has ended may stay in the table for as long as nobody asks for its exit code. */
function isRunning(pid: number): boolean {
  const path = `/proc/${pid}/status`;
  return existsSync(path) && !/^State:\s+Z/m.test(readFileSync(path, 'utf8'));
}

it('counts tests, not suites', async (context) => {
  const { passed, failures } = await run(
    context,
    "describe('a', () => { test('b', () => {}); test('c', () => {}); }); test('d', () => {});",
  );
  assert.deepEqual([passed, failures], [3, []]);
});

it('names a failed test by its path and shows the error once', async (context) => {
  const { passed, failures } = await run(
    context,
    "describe('outer', () => { test('good', () => {}); describe('inner', () => { test('bad', () => { throw new Error('why'); }); }); });",
  );
  assert.equal(passed, 1);
  assert.equal(failures.length, 1);
  assert.match(failures[0] ?? '', /^outer > inner > bad\nError: why/);
});

const bad: readonly (readonly [string, string, RegExp])[] = [
  ['skips a test', "test.skip('later', () => {}); test('now', () => {});", /^later was not run: skipped$/],
  ['skips with a reason', "test('later', { skip: 'no Docker' }, () => {});", /^later was not run: skipped: no Docker$/],
  ['skips inside the test', "test('later', (t) => t.skip('mood'));", /^later was not run: skipped: mood$/],
  ['leaves a test to do', "test.todo('later');", /^later was not run: to do$/],
  ['skips a suite', "describe.skip('all', () => { test('x', () => {}); });", /^all was not run: skipped$/],
  ['has no test', '', /^ended without a word of any test$/],
  ['has suites without tests', "describe('empty', () => {});", /^ran no test$/],
  ['cannot be loaded', "import './missing.ts';", /^ended with code 1 before its tests did$/],
  ['ends itself at once', "test('a', () => process.exit(0));", /^ended without a word of any test$/],
  [
    'ends itself later',
    // Once its report has the first test, however long that takes to be written.
    `import { existsSync, statSync } from 'node:fs';
    const report = process.execArgv.find((each) => each.startsWith('--test-reporter-destination=')).split('=')[1];
    test('a', () => {});
    test('b', async () => {
      while (!existsSync(report) || statSync(report).size === 0) await new Promise((resolve) => setTimeout(resolve, 20));
      process.exit(0);
    });`,
    /^ended with code 0 before its tests did$/,
  ],
  ['is killed', "test('a', () => process.kill(process.pid, 'SIGKILL'));", /^was ended by SIGKILL$/],
  [
    'fails in a hook',
    "describe('s', () => { after(() => { throw new Error('hook'); }); test('a', () => {}); });",
    /hook/,
  ],
  ['fails in a hook of the file', "after(() => { throw new Error('hook'); }); test('a', () => {});", /./],
  [
    'throws after its tests',
    "test('a', () => {}); process.on('exit', () => { process.exitCode = 3; });",
    /^ended with code 3/,
  ],
];

for (const [what, source, expected] of bad) {
  it(`fails a file that ${what}`, async (context) => {
    const { failures } = await run(context, source);
    assert.equal(failures.length, 1, failures.join('\n'));
    assert.match(failures[0] ?? '', expected);
  });
}

it('runs several files in one process, in their order, and counts all of them', async (context) => {
  const file = (name: string) =>
    `describe('${name}', () => { test('follows', () => { if (globalThis.last !== ${name === 'b' ? "'a'" : 'undefined'}) throw new Error('last: ' + globalThis.last); globalThis.last = '${name}'; }); });`;
  const { passed, failures } = await run(context, [file('a'), file('b')]);
  assert.deepEqual([passed, failures], [2, []]);
});

it('fails files of one process of which one cannot be loaded, or fails', async (context) => {
  const good = "test('a', () => {});";
  for (const other of [
    "import './missing.ts';",
    "test('bad', () => { throw new Error('why'); });",
    'syntax error here',
  ]) {
    for (const sources of [
      [good, other],
      [other, good],
    ]) {
      const { failures } = await run(context, sources);
      assert.notDeepEqual(failures, [], sources.join('\n'));
    }
  }
});

it('ends a file that hangs, with everything it started', onLinux, async (context) => {
  const pidFile = join(mkdtempSync(join(tmpdir(), 'ballast-runner-')), 'pid');
  context.after(() => rmSync(join(pidFile, '..'), { recursive: true, force: true }));
  // On a busy machine it may not have come to hang within the shortest of these, in seconds.
  for (const patience of [3, 6, 12]) {
    const { failures } = await run(
      context,
      `import { spawn } from 'node:child_process'; import { writeFileSync } from 'node:fs';
      const child = spawn('sleep', ['600'], { detached: true, env: {}, stdio: 'ignore' });
      writeFileSync(${JSON.stringify(pidFile)}, String(child.pid));
      test('hangs', async () => { await new Promise((resolve) => setTimeout(resolve, 600_000)); });`,
      patience * 1000,
    );
    assert.deepEqual(failures.slice(-1), [`was ended after its limit of ${patience} s`]);
    if (existsSync(pidFile)) break;
  }
  assert.equal(isRunning(Number(readFileSync(pidFile, 'utf8'))), false);
});

it('ends and reports what a file leaves running', onLinux, async (context) => {
  const { passed, failures } = await run(
    context,
    `import { spawn } from 'node:child_process';
    test('forgets', () => { spawn('sleep', ['601'], { detached: true, stdio: 'ignore' }).unref(); });`,
  );
  assert.equal(passed, 1);
  assert.deepEqual(failures, ['left processes running: sleep 601']);
});

it('understands its options and says which it does not', () => {
  assert.deepEqual(readOptions([]), { only: undefined, filter: '' });
  assert.deepEqual(readOptions(['--only', 'e2e', '--filter', 'crash']), { only: 'e2e', filter: 'crash' });
  assert.throws(() => readOptions(['--only', 'some']), /--only takes one of static, unit, e2e, not "some"/);
  assert.throws(() => readOptions(['--fast']), /--fast/);
});
