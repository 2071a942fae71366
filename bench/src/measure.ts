/**
 * Rounds: every contender for a few seconds, one after the other, again and again, so that whatever else the machine is
 * doing falls on all of them alike. What is compared is the median; the range shows how much it is worth.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';

/** One of those that are compared. */
export interface Contender {
  name: string;
  /** Works for about that long; resolves to what was done. */
  run(milliseconds: number): Promise<number>;
  /** Processes whose CPU time is its own cost. */
  pids: readonly number[];
}

export interface Measured {
  name: string;
  /** Operations a second, one per round. */
  rates: number[];
  /** CPU time of its processes per operation, in µs, one per round. */
  cpu: number[];
  /** The same with that of the parts (PostgreSQL, RabbitMQ, Redis), which work for nobody else meanwhile. */
  cpuWithParts: number[];
}

const ticksPerSecond = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));

/** CPU time in ms of these processes and all below them so far, of those that have ended, too (proc(5), fields 14 to 17). */
export function cpuMilliseconds(roots: readonly number[]): number {
  const processes = new Map<number, { parent: number; ticks: number }>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const stat = readStat(name);
    if (stat !== null) processes.set(Number(name), stat);
  }
  const belongs = (pid: number): boolean => {
    for (let at = pid; at > 1; at = processes.get(at)?.parent ?? 0) if (roots.includes(at)) return true;
    return false;
  };
  let ticks = 0;
  for (const [pid, stat] of processes) if (belongs(pid)) ticks += stat.ticks;
  return (ticks / ticksPerSecond) * 1000;
}

/** Null: it has ended meanwhile. */
function readStat(pid: string): { parent: number; ticks: number } | null {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)!.split(' ');
    return { parent: Number(fields[1]), ticks: fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0) };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ESRCH') return null;
    throw error;
  }
}

/** Processes this one has started. */
export function childProcesses(): number[] {
  return readdirSync('/proc').flatMap((name) =>
    /^\d+$/.test(name) && readStat(name)?.parent === process.pid ? [Number(name)] : [],
  );
}

export const unmeasured = (name: string): Measured => ({ name, rates: [], cpu: [], cpuWithParts: [] });

/** One round of one contender, added to `entry`. */
export async function measureOnce(
  contender: Contender,
  entry: Measured,
  options: { roundMs: number; parts: readonly number[] },
): Promise<void> {
  const before = { own: cpuMilliseconds(contender.pids), parts: cpuMilliseconds(options.parts) };
  const started = performance.now();
  const done = await contender.run(options.roundMs);
  const seconds = (performance.now() - started) / 1000;
  const own = cpuMilliseconds(contender.pids) - before.own;
  const parts = cpuMilliseconds(options.parts) - before.parts;
  entry.rates.push(done / seconds);
  entry.cpu.push((own * 1000) / done);
  entry.cpuWithParts.push(((own + parts) * 1000) / done);
}

/** One round to warm up, which is thrown away, then `rounds`. */
export async function measure(
  contenders: readonly Contender[],
  options: { rounds: number; roundMs: number; parts: readonly number[]; say: (line: string) => void },
): Promise<Measured[]> {
  const found = contenders.map(({ name }) => unmeasured(name));
  for (let round = 0; round <= options.rounds; round += 1) {
    // The other way round every second time: who comes first has the caches of nobody.
    const order = round % 2 === 0 ? contenders : contenders.toReversed();
    for (const contender of order) {
      // The round to warm up goes nowhere.
      const entry = round === 0 ? unmeasured(contender.name) : found[contenders.indexOf(contender)]!;
      await measureOnce(contender, entry, options);
    }
    options.say(round === 0 ? 'warm' : `round ${round} of ${options.rounds}`);
  }
  return found;
}

export const median = (values: readonly number[]): number => {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  return sorted.length % 2 === 1 ? sorted[Math.floor(middle)]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
};

const short = (value: number): string =>
  value >= 10_000 ? `${(value / 1000).toFixed(1)}k` : value >= 100 ? value.toFixed(0) : value.toFixed(1);

/** Median and range. */
export const range = (values: readonly number[]): string =>
  `${short(median(values))} (${short(Math.min(...values))}–${short(Math.max(...values))})`;

/** A table in which the first contender stands beside the others; `aims` are the least ratios, by name. */
export function table(
  title: string,
  measured: readonly Measured[],
  aims: Readonly<Record<string, number>> = {},
): string {
  const [ours, ...others] = measured;
  const rows = [
    ['', 'a second', 'µs CPU each', 'with parts', 'ours is', 'aim'],
    ...measured.map((entry) => {
      const ratio = median(ours!.rates) / median(entry.rates);
      const aim = aims[entry.name];
      return [
        entry.name,
        range(entry.rates),
        range(entry.cpu),
        range(entry.cpuWithParts),
        others.includes(entry) ? `${ratio.toFixed(2)}×` : '',
        aim === undefined ? '' : `≥ ${aim}× ${ratio >= aim ? 'met' : 'MISSED'}`,
      ];
    }),
  ];
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const line = (row: readonly string[]): string =>
    `| ${row.map((cell, index) => cell.padEnd(widths[index]!)).join(' | ')} |`;
  return [
    `### ${title}`,
    '',
    line(rows[0]!),
    line(widths.map((width) => '-'.repeat(width))),
    ...rows.slice(1).map(line),
  ].join('\n');
}
