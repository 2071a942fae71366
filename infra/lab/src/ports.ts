/** Ports: whether one is free, who holds it, and finding a free range for private parts. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { createServer, connect } from 'node:net';
import { randomInt } from 'node:crypto';
import { allProcesses, commandOf } from './process-table.ts';
import { hasCode, LabProblem } from './problem.ts';

/** Everything the lab starts listens here. */
export const loopback = '127.0.0.1';

/** True when nothing listens on the loopback port. */
export async function isPortFree(port: number): Promise<boolean> {
  const { promise, resolve, reject } = Promise.withResolvers<boolean>();
  const server = createServer();
  server.once('error', (error) => {
    if (hasCode(error, 'EADDRINUSE')) resolve(false);
    else reject(error);
  });
  server.listen({ port, host: loopback, exclusive: true }, () => {
    server.close(() => resolve(true));
  });
  return await promise;
}

/** True when something accepts TCP connections on the port within `timeout` milliseconds. */
export async function accepts(host: string, port: number, timeout = 1000): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect({ host, port, timeout });
  socket.once('connect', () => resolve(true));
  socket.once('error', () => resolve(false));
  socket.once('timeout', () => resolve(false));
  const answer = await promise;
  socket.destroy();
  return answer;
}

/** The pid and command of whoever listens on the port, where /proc tells; undefined when it does not. */
function listenerOn(port: number): { pid: number; command: string } | undefined {
  const inodes = ['/proc/net/tcp', '/proc/net/tcp6'].flatMap((file) => listeningInodes(file, port));
  if (inodes.length === 0) return undefined;
  const wanted = new Set(inodes.map((inode) => `socket:[${inode}]`));
  const owner = allProcesses().find((row) => openFiles(row.pid).some((file) => wanted.has(file)));
  return owner === undefined ? undefined : { pid: owner.pid, command: commandOf(owner.pid) };
}

/** Makes sure a component's port is free. @throws LabProblem that names port, component and holder. */
export async function requireFreePort(component: string, port: number): Promise<void> {
  if (await isPortFree(port)) return;
  const holder = listenerOn(port);
  const by = holder === undefined ? 'another process' : `process ${holder.pid} (${holder.command})`;
  throw new LabProblem(
    component,
    `${component} needs ${loopback}:${port}, but ${by} already listens there; stop it, or choose other ports with PORT_BASE=<number>.`,
  );
}

/**
 * The first port of a run of `count` free ones, for parts that belong to one test run.
 * Below the range the kernel takes outgoing connections from (32768 on Linux), so that none of them takes it meanwhile.
 * Nor does another process of tests, where each has been given ports of its own (`TEST_FREE_PORTS`).
 */
export async function findFreePorts(count: number): Promise<number> {
  const range = process.env['TEST_FREE_PORTS'] ?? '22000-31999';
  const [lowest, highest] = range.split('-').map(Number) as [number, number];
  for (let attempt = 0; attempt < 50; attempt += 1) {
    const first = randomInt(lowest, highest + 2 - count);
    const free = await Promise.all(Array.from({ length: count }, async (_, index) => await isPortFree(first + index)));
    if (free.every(Boolean)) return first;
  }
  throw new LabProblem(
    'lab',
    `No ${count} free ports in a row were found on ${loopback} in ${range} in 50 tries; end what occupies them.`,
  );
}

function listeningInodes(file: string, port: number): string[] {
  const hexadecimal = port.toString(16).toUpperCase().padStart(4, '0');
  return readLines(file)
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[3] === '0A' && fields[1]?.endsWith(`:${hexadecimal}`) === true)
    .map((fields) => fields[9] ?? '')
    .filter((inode) => inode !== '');
}

function openFiles(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).map((entry) => {
      try {
        return readlinkSync(`/proc/${pid}/fd/${entry}`);
      } catch {
        // Closed between listing and reading.
        return '';
      }
    });
  } catch {
    // Gone, or another user's: the holder then stays unnamed.
    return [];
  }
}

function readLines(file: string): string[] {
  try {
    return readFileSync(file, 'utf8').split('\n');
  } catch {
    // No /proc on this system: the holder stays unnamed.
    return [];
  }
}
