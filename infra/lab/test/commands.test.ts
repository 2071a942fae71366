import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { nodeBinary, repositoryRoot } from '../src/paths.ts';
import { processesMarked } from '../src/process-table.ts';
import { within } from '../src/waiting.ts';
import { temporaryFolder } from './support.ts';

type Outcome = { code: unknown; signal: unknown; output: string };

const withParts = join(repositoryRoot, 'infra/lab/src/with-parts.ts');
const start = join(repositoryRoot, 'infra/lab/src/start.ts');
const runner = join(repositoryRoot, 'scripts/run.mjs');

/** Runs a command and answers how it ended; `onOutput` sees what it says meanwhile and may send it a signal. */
async function run(
  args: readonly string[],
  environment: Record<string, string> = {},
  onOutput: (text: string, kill: (signal: NodeJS.Signals) => void) => void = () => undefined,
): Promise<Outcome> {
  const child = spawn(nodeBinary, args, {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      output += String(chunk);
      onOutput(output, (signal) => child.kill(signal));
    });
  }
  const exit = once(child, 'exit') as Promise<unknown[]>;
  const [code, signal] = await within(60_000, exit, () => new Error(`still running after 60 s: ${output}`));
  return { code, signal, output };
}

const print = (expression: string): string[] => ['node', '-e', `process.stdout.write(String(${expression}))`];

test('with-parts gives a command real parts, hands on its exit code and leaves nothing', async () => {
  const script = `
    const { Client } = await import('pg');
    const client = new Client({ connectionString: process.env.TEST_POSTGRES_URL });
    await client.connect();
    const { rows } = await client.query('select usesuper from pg_user where usename = current_user');
    await client.end();
    console.log(JSON.stringify({ rows, urls: [process.env.TEST_REDIS_URL, process.env.TEST_AMQP_URL], parent: process.ppid }));
    process.exit(5);`;
  const { code, output } = await run([withParts, 'node', '--input-type=module', '-e', script]);
  assert.equal(code, 5, output);
  const line = output.split('\n').find((text) => text.startsWith('{')) ?? '';
  const said = JSON.parse(line) as { rows: unknown; urls: string[]; parent: number };
  assert.deepEqual(said.rows, [{ usesuper: true }]);
  assert.match(said.urls[0] ?? '', /^redis:\/\/:.+@127\.0\.0\.1:\d+$/);
  assert.match(said.urls[1] ?? '', /^amqp:\/\/ballast:.+@127\.0\.0\.1:\d+$/);
  const folder = join(repositoryRoot, '.lab', `test-${said.parent}-1`);
  assert.equal(existsSync(folder), false);
  assert.deepEqual(processesMarked(folder), []);
});

test('with-parts only runs the command where all parts are named already', async () => {
  const given = { TEST_POSTGRES_URL: 'a', TEST_REDIS_URL: 'b', TEST_AMQP_URL: 'c' };
  const { code, output } = await run([withParts, ...print('process.env.TEST_AMQP_URL')], given);
  assert.deepEqual({ code, output }, { code: 0, output: 'c' });
});

test('with-parts stops its parts when it is told to end', async () => {
  const before = new Set(readdirSync(join(repositoryRoot, '.lab')));
  let told = false;
  let folder = '';
  const { code } = await run(
    [withParts, 'node', '-e', 'console.log("parent " + process.ppid); setInterval(() => {}, 1000)'],
    {},
    (text, kill) => {
      const parent = /parent (\d+)/.exec(text)?.[1];
      if (parent === undefined || told) return;
      told = true;
      folder = `test-${parent}-1`;
      kill('SIGTERM');
    },
  );
  assert.equal(code, 128 + 15);
  assert.ok(!before.has(folder));
  assert.equal(existsSync(join(repositoryRoot, '.lab', folder)), false);
  assert.deepEqual(processesMarked(join(repositoryRoot, '.lab', folder)), []);
});

test('with-parts says which command cannot be run', async () => {
  const given = { TEST_POSTGRES_URL: 'a', TEST_REDIS_URL: 'b', TEST_AMQP_URL: 'c' };
  const { code, output } = await run([withParts, 'no-such-command'], given);
  assert.equal(code, 1);
  assert.match(output, /^"no-such-command" could not be run/);
});

for (const [args, sentence] of [
  [['--sparkling'], /^Unknown option '--sparkling'; "npm start -- --help" shows what there is\.\n$/],
  [['--profile', 'heavy'], /^--profile cannot be "heavy"; it is one of full, light\.\n$/],
  [['--parts', 'cloud'], /^--parts cannot be "cloud"; it is one of auto, native, docker, external\.\n$/],
  [['--parts', 'external'], /^--parts external needs POSTGRES_URL, REDIS_URL, AMQP_URL in the environment/],
] as const) {
  test(`npm start refuses ${args.join(' ')} in one sentence`, async () => {
    const { code, output } = await run([start, ...args], { LAB_DIRECTORY: temporaryFolder() });
    assert.equal(code, 1);
    assert.match(output, sentence);
  });
}

test('npm start refuses a PORT_BASE that is no port', async () => {
  const { code, output } = await run([start], { PORT_BASE: '99999' });
  assert.equal(code, 1);
  assert.match(output, /^PORT_BASE is "99999", but must be a number from 1024 to/);
});

test('npm start -- --help explains every option', async () => {
  const { code, output } = await run([start, '--help']);
  assert.equal(code, 0);
  for (const option of ['--fresh', '--profile', '--parts', '--help']) assert.match(output, new RegExp(option));
});

test('run.mjs runs a file on the pinned Node and ends with its exit code', async () => {
  const { code } = await run([runner, 'infra/lab/test/fixtures/exit.ts', '9']);
  assert.equal(code, 9);
});

test('run.mjs hands on a signal once and lets the file decide how to end', async () => {
  let told = false;
  const { code, output } = await run([runner, 'infra/lab/test/fixtures/exit.ts', 'wait'], {}, (text, kill) => {
    if (told || !text.includes('waiting')) return;
    told = true;
    kill('SIGINT');
    kill('SIGINT');
  });
  assert.equal(code, 4);
  assert.equal(output.match(/got SIGINT/g)?.length, 1);
});
