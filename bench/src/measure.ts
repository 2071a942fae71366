/**
 * Rounds: every contender for a few seconds, one after the other, again and again, so that whatever else the machine is
 * doing falls on all of them alike. What is compared is the median; the range shows how much it is worth.
 */
import { readFileSync } from 'node:fs';
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
}

const ticksPerSecond = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));

/** CPU time a process has used so far, in ms (proc(5), fields 14 and 15). */
function cpuMilliseconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
  return ((Number(fields[11]) + Number(fields[12])) / ticksPerSecond) * 1000;
}

/** One round to warm up, which is thrown away, then `rounds`. */
export async function measure(
  contenders: readonly Contender[],
  options: { rounds: number; roundMs: number; say: (line: string) => void },
): Promise<Measured[]> {
  const found = contenders.map(({ name }): Measured => ({ name, rates: [], cpu: [] }));
  for (let round = 0; round <= options.rounds; round += 1) {
    // The other way round every second time: who comes first has the caches of nobody.
    const order = round % 2 === 0 ? contenders : contenders.toReversed();
    for (const contender of order) {
      const cpuBefore = contender.pids.reduce((sum, pid) => sum + cpuMilliseconds(pid), 0);
      const started = performance.now();
      const done = await contender.run(options.roundMs);
      const seconds = (performance.now() - started) / 1000;
      const cpu = contender.pids.reduce((sum, pid) => sum + cpuMilliseconds(pid), 0) - cpuBefore;
      if (round === 0) continue;
      const entry = found[contenders.indexOf(contender)]!;
      entry.rates.push(done / seconds);
      entry.cpu.push((cpu * 1000) / done);
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
    ['', 'a second', 'µs CPU each', 'ours is', 'aim'],
    ...measured.map((entry) => {
      const ratio = median(ours!.rates) / median(entry.rates);
      const aim = aims[entry.name];
      return [
        entry.name,
        range(entry.rates),
        entry.cpu.some((value) => value > 0) ? range(entry.cpu) : '–',
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
