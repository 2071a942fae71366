/**
 * Bytes of an idle session: a fresh process of a contender is given some sessions while others come and go, measured, given
 * many more, and measured again, both times after its garbage was collected. Resident bytes are all of the process's, heap
 * bytes those in use.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Server } from '../http/server.ts';

/** A server for devices in a process of its own. */
export interface DeviceServer extends Server {
  tcpPort: number;
}

export interface Footprint {
  /** Bytes a session, resident, of the whole process. */
  resident: number;
  /** Bytes a session, of JavaScript's heap and of buffers outside of it. */
  heap: number;
}

const script = join(import.meta.dirname, 'idle.ts');
export const probeScript = join(import.meta.dirname, 'probe.ts');
/** Sessions that are there when it is measured first. */
export const firstSessions = 1_000;
/** Devices that have come and gone by then: code is compiled, and what a heap takes in advance is taken. */
const passedDevices = 10_000;
/** Until what a server does a moment later is done: events are told, once a second. */
const restMs = 2_000;
const probeDeadlineMs = 10_000;

/** What one more session takes, on average of so many. `probeFile` is the one that the server's process was started with. */
export async function footprintOf(
  server: DeviceServer,
  options: { sessions: number; tokensFile: string; probeFile: string },
): Promise<Footprint> {
  const { sessions, tokensFile, probeFile } = options;
  const child = fork(script, {
    env: { ...process.env, TOKENS_FILE: tokensFile, TCP_PORT: String(server.tcpPort) },
  });
  const exited = once(child, 'exit');
  const gone = exited.then(([code]): never => {
    throw new Error(`${script} ended with ${String(code)}`);
  });
  const answer = async (): Promise<unknown> => ((await Promise.race([once(child, 'message'), gone])) as unknown[])[0];
  const ask = async (request: { hold: number } | { pass: number }, expected: number): Promise<void> => {
    const answered = answer();
    child.send(request);
    const told = (await answered) as { held?: number; failed?: string };
    if (told.held !== expected) throw new Error(`${told.held ?? told.failed} instead of ${expected} sessions`);
  };
  const hold = async (count: number): Promise<void> => {
    await ask({ hold: count }, count);
    await pause(restMs);
  };
  try {
    await answer();
    await hold(firstSessions);
    await ask({ pass: passedDevices }, firstSessions);
    await pause(restMs);
    const before = await memory(server.pid, probeFile);
    await hold(firstSessions + sessions);
    const after = await memory(server.pid, probeFile);
    // Still all there?
    await hold(firstSessions + sessions);
    const used = ({ heapUsed, external }: NodeJS.MemoryUsage): number => heapUsed + external;
    return { resident: (after.rss - before.rss) / sessions, heap: (used(after) - used(before)) / sessions };
  } finally {
    gone.catch(() => {});
    child.send('stop');
    await exited;
  }
}

async function memory(pid: number, file: string): Promise<NodeJS.MemoryUsage> {
  rmSync(file, { force: true });
  process.kill(pid, 'SIGUSR2');
  const until = performance.now() + probeDeadlineMs;
  while (!existsSync(file)) {
    if (performance.now() > until) throw new Error('a server did not say what memory it uses');
    await pause(20);
  }
  return JSON.parse(readFileSync(file, 'utf8')) as NodeJS.MemoryUsage;
}
