/**
 * `node infra/lab/src/with-parts.ts <command…>`: runs a command that finds real parts in TEST_POSTGRES_URL, TEST_AMQP_URL
 * and TEST_REDIS_URL. Where all three are set already it only runs the command; else it starts private parts and
 * removes them afterwards. The exit code is the command's.
 */
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { partVariables } from './parts/part.ts';
import { startParts } from './private-parts.ts';
import { describe, LabProblem } from './problem.ts';

const [command, ...rest] = process.argv.slice(2);

if (command === undefined) {
  console.error('Say which command to run with parts: node infra/lab/src/with-parts.ts <command…>');
  process.exitCode = 1;
} else {
  try {
    process.exitCode = await runWithParts(command, rest);
  } catch (error) {
    if (!(error instanceof LabProblem)) throw error;
    console.error(describe(error));
    process.exitCode = 1;
  }
}

async function runWithParts(program: string, args: readonly string[]): Promise<number> {
  const wanted = Object.values(partVariables).map(({ testUrl }) => testUrl);
  if (wanted.every((name) => (process.env[name] ?? '') !== '')) return await runCommand(program, args, {});
  const interrupted = new AbortController();
  const noteSignal = (): void => interrupted.abort();
  process.on('SIGINT', noteSignal);
  process.on('SIGTERM', noteSignal);
  const parts = await startParts({
    onEvent: (event) => {
      if (event.type === 'progress') console.error(`${event.component}: ${event.message}`);
    },
  });
  try {
    return interrupted.signal.aborted ? 130 : await runCommand(program, args, parts.environment);
  } finally {
    await parts.stop();
    process.off('SIGINT', noteSignal);
    process.off('SIGTERM', noteSignal);
  }
}

/** Runs the command on the terminal as it is; `node` means the Node this runs on. Answers its exit code, 128 + n when a signal ended it. */
async function runCommand(
  program: string,
  args: readonly string[],
  environment: Record<string, string>,
): Promise<number> {
  const child = spawn(program === 'node' ? process.execPath : program, args, {
    stdio: 'inherit',
    env: { ...process.env, ...environment },
  });
  // A terminal's Ctrl-C reaches the command by itself; anything else must be passed on.
  const forward = (signal: NodeJS.Signals): void => {
    if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal);
  };
  process.on('SIGINT', forward);
  process.on('SIGTERM', forward);
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  child.once('error', (error) =>
    reject(
      new LabProblem('with-parts', `"${program}" could not be run: ${error.message}.`, {
        cause: error,
      }),
    ),
  );
  child.once('exit', (code, signal) => resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal])));
  try {
    return await promise;
  } finally {
    process.off('SIGINT', forward);
    process.off('SIGTERM', forward);
  }
}
