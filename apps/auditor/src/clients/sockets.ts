/** The kernel's own list of sockets: who really is connected to a port of this machine, whatever any process says. */
import { readFile } from 'node:fs/promises';

/** Sockets of one local port. */
export interface SocketCount {
  /** Established, and taken by a process. */
  established: number;
  /** Those, the ones that wait to be taken, and the ones that one side has closed and a process still has. */
  most: number;
}

/** One table of the kernel for each version of IP; a machine may have no second one. */
const files = ['/proc/net/tcp', '/proc/net/tcp6'] as const;

// States of the kernel's include/net/tcp_states.h, as the table writes them.
const established = '01';
const halfClosed = new Set(['04', '05', '08', '09', '0B']);

/** Counts the sockets of a local port (Linux). Throws where the kernel shows no table. */
export async function countSockets(port: number): Promise<SocketCount> {
  const tables = await Promise.all(files.map(readTable));
  if (tables.every((table) => table === null)) throw new Error('this kernel shows no table of sockets');
  return sumSockets(tables.filter((table) => table !== null).map((table) => readSockets(table, port)));
}

async function readTable(file: string): Promise<string | null> {
  try {
    return await readFile(file, { encoding: 'latin1', signal: AbortSignal.timeout(900) });
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
}

/** What one table says of a port: a line is `sl local remote state queues timer retransmits uid timeout inode …`. */
export function readSockets(table: string, port: number): SocketCount {
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const count = { established: 0, most: 0 };
  // Most lines are of other ports, and there may be ten thousands: those are not taken apart.
  for (let found = table.indexOf(wanted); found !== -1; found = table.indexOf(wanted, found)) {
    const end = (table.indexOf('\n', found) + 1 || table.length + 1) - 1;
    add(
      count,
      table
        .slice(table.lastIndexOf('\n', found) + 1, end)
        .trim()
        .split(/\s+/),
      wanted,
    );
    found = end;
  }
  return count;
}

function add(count: SocketCount, fields: readonly string[], wanted: string): void {
  const [, local = '', , state = ''] = fields;
  if (!local.endsWith(wanted)) return;
  // What no process has taken yet, or any more, has no inode.
  const isTaken = fields[9] !== '0';
  if (state === established) {
    count.most += 1;
    if (isTaken) count.established += 1;
  } else if (isTaken && halfClosed.has(state)) count.most += 1;
}

function sumSockets(counts: readonly SocketCount[]): SocketCount {
  return {
    established: counts.reduce((sum, each) => sum + each.established, 0),
    most: counts.reduce((sum, each) => sum + each.most, 0),
  };
}
