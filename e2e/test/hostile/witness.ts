/** What the mesh looked like before, to be held against what it looks like afterwards: rows, money, logs, processes. */
import { closeSync, openSync, readdirSync, readFileSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { until } from '@ballast/testing';
import type { World } from './world.ts';

/**
 * Sign-ins come and go, and an inbox or outbox moves with them not at all: only sessions and their ends are left out, and
 * the bff's memory of what it has refused for good (a product that does not exist, say).
 */
const leftOut = [
  'bff.sessions',
  'bff.idempotency_keys',
  'identity.refresh_families',
  'identity.refresh_tokens',
  'identity.revocations',
];

/** Every table's number of rows and a hash over all of them. */
export async function readTables(world: World): Promise<Record<string, string>> {
  const tables = await world.test.rows<{ name: string }>(
    `SELECT table_schema || '.' || table_name AS name FROM information_schema.tables
      WHERE table_type = 'BASE TABLE' AND table_schema NOT IN ('pg_catalog', 'information_schema') ORDER BY 1`,
  );
  const read: Record<string, string> = {};
  for (const { name } of tables.filter((table) => !leftOut.includes(table.name))) {
    const quoted = name
      .split('.')
      .map((part) => `"${part}"`)
      .join('.');
    const [row] = await world.test.rows<{ rows: number; hash: string }>(
      `SELECT count(*)::int AS rows, coalesce(md5(string_agg(t::text, E'\\n' ORDER BY t::text)), 'empty') AS hash FROM ${quoted} t`,
    );
    read[name] = `${row!.rows} rows ${row!.hash}`;
  }
  return read;
}

/** The tables once nothing is under way: no message waits to be told, and two looks a second apart see the same. */
export async function readQuietTables(world: World): Promise<Record<string, string>> {
  let before = '';
  let since = 0;
  return await until(
    'the mesh to be quiet',
    async () => {
      const now = await readTables(world);
      const text = JSON.stringify(now);
      if (text !== before) [before, since] = [text, Date.now()];
      const outboxes = Object.entries(now).filter(([name]) => name.endsWith('.outbox'));
      return outboxes.every(([, value]) => value.startsWith('0 rows')) && Date.now() - since > 1_000 ? now : null;
    },
    30_000,
  );
}

/** The payment provider's own account of all money. */
export async function readLedger(world: World): Promise<string> {
  const reply = await world.send('payment-provider', { method: 'GET', path: '/ledger' });
  return reply.body;
}

export interface LogLine {
  file: string;
  level: number;
  message: string;
  line: string;
}

const logFiles = (world: World): string[] => {
  const folder = join(world.test.dataDirectory, 'logs');
  return world.test.mesh.services
    .map((name) => join(folder, `${name}.log`))
    .filter((path) => readdirSync(folder).includes(path.slice(folder.length + 1)));
};

/** How long each service's log is now, in bytes. */
export function markLogs(world: World): Map<string, number> {
  return new Map(logFiles(world).map((path) => [path, statSync(path).size]));
}

/** Lines of warning or worse that services wrote since the mark. A line that is not JSON counts as worst. */
export function complaintsSince(world: World, marks: ReadonlyMap<string, number>): LogLine[] {
  return logFiles(world).flatMap((path) =>
    readFrom(path, marks.get(path) ?? 0)
      .split('\n')
      .filter((line) => line.trim() !== '')
      .map((line) => ({ file: path.slice(path.lastIndexOf('/') + 1), line: line.slice(0, 1_000), ...levelOf(line) }))
      .filter(({ level }) => level >= 40),
  );
}

function levelOf(line: string): { level: number; message: string } {
  try {
    const entry = JSON.parse(line) as { level?: number; msg?: string };
    return { level: entry.level ?? 100, message: entry.msg ?? '' };
  } catch (error) {
    if (error instanceof SyntaxError) return { level: 100, message: line };
    throw error;
  }
}

function readFrom(path: string, offset: number): string {
  const bytes = Buffer.alloc(Math.max(0, statSync(path).size - offset));
  const file = openSync(path, 'r');
  try {
    readSync(file, bytes, 0, bytes.length, offset);
  } finally {
    closeSync(file);
  }
  return bytes.toString('utf8');
}

export interface ProcessReport {
  pid: number;
  restarts: number;
  /** Resident memory in MiB. */
  memory: number;
  /** Open file descriptors. */
  descriptors: number;
}

/** Every process of the mesh that is ours, by name. */
export function readProcesses(world: World): Record<string, ProcessReport> {
  const services = world.test.mesh.status().filter(({ kind }) => kind !== 'part');
  return Object.fromEntries(
    services.map(({ name, process: running, restarts }) => {
      if (running === null) throw new Error(`${name} is not running`);
      const resident = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${running.pid}/status`, 'utf8'))?.[1];
      const descriptors = readdirSync(`/proc/${running.pid}/fd`).length;
      return [name, { pid: running.pid, restarts, memory: Number(resident) / 1024, descriptors }];
    }),
  );
}
