/**
 * What the operating system knows about processes: identity that survives pid reuse, groups, trees and folders.
 * Linux answers from /proc; elsewhere `ps` answers the questions that stopping and status need.
 */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** A process that can be told from a later one with the same pid by when it started. */
export type ProcessIdentity = { pid: number; startTime: string };

/** One row of the process table. */
export type ProcessRow = {
  pid: number;
  parent: number;
  group: number;
  state: string;
  startTime: string;
};

/** Set in every child of the lab to its data directory, so that orphans of a killed supervisor can be found. */
export const markerVariable = 'BALLAST_LAB_DIRECTORY';

const onLinux = process.platform === 'linux';

/** The process's row, or undefined when it is gone. */
export function lookUp(pid: number): ProcessRow | undefined {
  return onLinux ? fromProc(pid) : fromPs(pid);
}

/** The moment a process started, in a form only good for comparing; undefined when it is gone. */
export function startTimeOf(pid: number): string | undefined {
  return lookUp(pid)?.startTime;
}

/** True while the very process meant is there and not a zombie. */
export function isAlive(identity: ProcessIdentity): boolean {
  const row = lookUp(identity.pid);
  return row !== undefined && row.startTime === identity.startTime && row.state !== 'Z';
}

/** Every process of the machine that can be read. */
export function allProcesses(): ProcessRow[] {
  if (!onLinux) return [];
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .map((entry) => fromProc(Number(entry)))
    .filter((row) => row !== undefined);
}

/** The process and everything below it, parents first. */
export function treeOf(pid: number): number[] {
  const rows = allProcesses();
  const found = [pid];
  for (const parent of found) {
    found.push(...rows.filter((row) => row.parent === parent).map((row) => row.pid));
  }
  return found;
}

/** Processes whose working directory is `directory`: how the backends of a dead PostgreSQL are recognised. */
export function processesWorkingIn(directory: string): number[] {
  return allProcesses()
    .filter((row) => row.state !== 'Z' && linkTarget(`/proc/${row.pid}/cwd`) === directory)
    .map((row) => row.pid);
}

/** Processes started by a lab that keeps its data in `dataDirectory`, whoever their parent is now. */
export function processesMarked(dataDirectory: string): number[] {
  const mark = `${markerVariable}=${dataDirectory}`;
  return allProcesses()
    .filter((row) => row.state !== 'Z' && row.pid !== process.pid)
    .filter((row) => content(`/proc/${row.pid}/environ`).split('\0').includes(mark))
    .map((row) => row.pid);
}

/** The command line of a process as one readable string, at most 120 characters; empty when it cannot be read. */
export function commandOf(pid: number): string {
  return content(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim().slice(0, 120);
}

/** Sends a signal to a process, or to a group when `pid` is negative; answers false when nobody was there to get it. */
export function send(pid: number, signal: NodeJS.Signals): boolean {
  try {
    process.kill(pid, signal);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ESRCH') return false;
    throw error;
  }
}

function fromProc(pid: number): ProcessRow | undefined {
  const stat = content(`/proc/${pid}/stat`);
  if (stat === '') return undefined;
  // The second field is the command in brackets and may hold spaces and brackets of its own.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state = '?', parent = '0', group = '0'] = fields;
  return {
    pid,
    parent: Number(parent),
    group: Number(group),
    state,
    startTime: fields[19] ?? '',
  };
}

function fromPs(pid: number): ProcessRow | undefined {
  try {
    const line = execFileSync('ps', ['-o', 'ppid=,pgid=,state=,lstart=', '-p', String(pid)], {
      encoding: 'utf8',
      timeout: 5000,
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
    const [parent = '0', group = '0', state = '?', ...started] = line.split(/\s+/);
    return {
      pid,
      parent: Number(parent),
      group: Number(group),
      state: state.charAt(0),
      startTime: started.join(' '),
    };
  } catch {
    // `ps` exits 1 when there is no such process.
    return undefined;
  }
}

/** A file of /proc, or '' when the process went away or belongs to somebody else: both mean "not ours to judge". */
function content(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function linkTarget(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}
