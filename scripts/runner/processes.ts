/** Child processes that surely end: each in a group of its own, with a time limit, taken down with all it started. */
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

/** How a command ended. `code` is null when a signal ended it; `output` is all it wrote, in order. */
export type Ended = {
  code: number | null;
  signal: NodeJS.Signals | null;
  timedOut: boolean;
  output: string;
  milliseconds: number;
};

/** What to run. `limit` is in milliseconds. */
export type Command = {
  program: string;
  arguments: readonly string[];
  workingDirectory: string;
  environment: NodeJS.ProcessEnv;
  limit: number;
};

/** How long something gets to end by itself when asked to, in milliseconds. */
const grace = 5000;
/** More than this is kept from the end only, in characters. */
const keptOutput = 2_000_000;

const running = new Set<number>();
let ending = false;

/** Runs a command and waits for it. Never rejects: a program that cannot be started ends with code 127. */
export async function runCommand(command: Command): Promise<Ended> {
  const started = performance.now();
  const { promise, resolve } = Promise.withResolvers<Pick<Ended, 'code' | 'signal'>>();
  let output = '';
  let timedOut = false;
  let ended: Promise<void> | undefined;
  const keep = (chunk: string): void => {
    output = (output + chunk).slice(-keptOutput);
  };
  if (ending) return { code: 130, signal: null, timedOut, output, milliseconds: 0 };
  const child = spawn(command.program, command.arguments, {
    cwd: command.workingDirectory,
    env: command.environment,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  const { pid } = child;
  if (pid !== undefined) running.add(pid);
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', keep);
  child.once('error', (error) => {
    keep(`${command.program} could not be started: ${error.message}\n`);
    resolve({ code: 127, signal: null });
  });
  // Not `close`: a grandchild that lives on would keep the pipes open for ever.
  child.once('exit', (code, signal) => resolve({ code, signal }));
  const timer = setTimeout(() => {
    timedOut = true;
    if (pid !== undefined) ended = endTree(pid);
  }, command.limit);
  const end = await promise;
  clearTimeout(timer);
  await ended;
  if (pid !== undefined) running.delete(pid);
  await drained([child.stdout, child.stderr]);
  return { ...end, timedOut, output, milliseconds: performance.now() - started };
}

/** Ends everything that runCommand started and that still runs, and starts nothing more. */
export async function endAll(): Promise<void> {
  ending = true;
  await Promise.all([...running].map(async (pid) => await endTree(pid)));
}

/**
 * Ends processes that carry `name=value` in their environment: what a test left behind when it crashed or forgot. Gives
 * them a moment to end by themselves first. Answers the command lines of those that had to be ended. Linux only: elsewhere
 * none is found.
 */
export async function endMarked(name: string, value: string): Promise<string[]> {
  const mark = `${name}=${value}`;
  const marked = (): number[] =>
    processTable()
      .filter(({ pid, state }) => pid !== process.pid && state !== 'Z')
      .filter(({ pid }) => contentOf(`/proc/${pid}/environ`).split('\0').includes(mark))
      .map(({ pid }) => pid);
  await waitUntil(() => marked().length === 0);
  const left = marked();
  const names = left.map((pid) => contentOf(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim().slice(0, 120));
  for (const pid of left) send(pid, 'SIGKILL');
  return names;
}

/** Asks a process to end, and with it all below it, groups of their own included; then insists. */
async function endTree(pid: number): Promise<void> {
  const tree = treeOf(pid);
  send(-pid, 'SIGTERM');
  await waitUntil(() => tree.every((row) => !isAlive(row)));
  for (const row of tree) if (isAlive(row)) send(row.pid, 'SIGKILL');
  send(-pid, 'SIGKILL');
  await waitUntil(() => tree.every((row) => !isAlive(row)));
}

type Row = { pid: number; parent: number; state: string; startTime: string };

function treeOf(pid: number): Row[] {
  const rows = processTable();
  const found = rows.filter((row) => row.pid === pid);
  for (const { pid: parent } of found) found.push(...rows.filter((row) => row.parent === parent));
  return found;
}

function isAlive({ pid, startTime }: Row): boolean {
  const row = rowOf(pid);
  return row !== undefined && row.startTime === startTime && row.state !== 'Z';
}

function processTable(): Row[] {
  if (process.platform !== 'linux') return [];
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .map((entry) => rowOf(Number(entry)))
    .filter((row) => row !== undefined);
}

function rowOf(pid: number): Row | undefined {
  const stat = contentOf(`/proc/${pid}/stat`);
  if (stat === '') return undefined;
  // The name of the program comes in brackets before these and may itself hold brackets and spaces.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return { pid, state: fields[0] ?? '?', parent: Number(fields[1]), startTime: fields[19] ?? '' };
}

/** A file of /proc, or nothing when the process has gone or belongs to somebody else. */
function contentOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ESRCH', 'EACCES', 'EPERM')) return '';
    throw error;
  }
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (!hasCode(error, 'ESRCH', 'EPERM')) throw error;
  }
}

function hasCode(error: unknown, ...codes: string[]): boolean {
  return error instanceof Error && 'code' in error && codes.includes(String(error.code));
}

async function waitUntil(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + grace;
  while (!condition() && performance.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Waits for what is still in the pipes, but not for a grandchild that holds them open. */
async function drained(streams: readonly NodeJS.ReadableStream[]): Promise<void> {
  const all = Promise.all(
    streams.map(async (stream) => {
      if ('readableEnded' in stream && stream.readableEnded === true) return;
      await new Promise((resolve) => stream.once('end', resolve).once('close', resolve));
    }),
  );
  let timer: NodeJS.Timeout | undefined;
  await Promise.race([all, new Promise((resolve) => (timer = setTimeout(resolve, 1000)))]);
  clearTimeout(timer);
}
