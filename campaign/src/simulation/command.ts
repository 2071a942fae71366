/** `npm run campaign -- --simulate`: many simulated worlds, or one of them told step by step. */
import { parseArgs } from 'node:util';
import { configureFaults } from '@ballast/faults';
import { simulateMany, type Tally } from './crowd.ts';
import { simulate } from './simulate.ts';

export interface SimulationOptions {
  /** The first seed. */
  first: number;
  many: number;
  /** Tell what happens in the first. */
  trace: boolean;
  /** Defects to plant, comma separated. */
  defects: string;
}

export const simulationUsage = `npm run campaign -- --simulate [--seeds 100000] [--seed N [--trace]] [--defects saga.no-memory,…]

Runs the sagas, outboxes, inboxes and idempotency keys of simulated worlds, one per seed, with crashes, lost answers and
messages in any order, in one process and in virtual time, and judges each. With --seed only that one, or --seeds from it
on; --trace tells what happens in it. Exit 1 on any violation.`;

/** Reads the arguments; null when they ask for something else than a simulation. Throws a sentence naming what is wrong. */
export function readSimulation(argv: readonly string[]): SimulationOptions | null {
  if (!argv.includes('--simulate') || argv.includes('--help')) return null;
  const { values } = parseArgs({
    args: [...argv],
    options: {
      simulate: { type: 'boolean' },
      seeds: { type: 'string' },
      seed: { type: 'string' },
      trace: { type: 'boolean', default: false },
      defects: { type: 'string', default: '' },
    },
  });
  const number = (name: 'seed' | 'seeds', otherwise: number): number => {
    const value = Number(values[name] ?? otherwise);
    if (!Number.isSafeInteger(value) || value < 1 || value > 2 ** 32)
      throw new TypeError(`--${name} must be a whole number from 1 to 4294967296`);
    return value;
  };
  return {
    first: number('seed', 1),
    many: values.trace ? 1 : number('seeds', values.seed === undefined ? 100_000 : 1),
    trace: values.trace,
    defects: values.defects,
  };
}

/** Runs it, and says line by line what came of it. Resolves to whether every world was as it must be. */
export async function runSimulation(options: SimulationOptions, say: (line: string) => void): Promise<boolean> {
  return options.many === 1 ? runOne(options, say) : runMany(options, say);
}

async function runOne({ first, trace, defects }: SimulationOptions, say: (line: string) => void): Promise<boolean> {
  if (defects !== '') configureFaults({ labMode: true, faults: '', defects });
  const { violations, ends, trouble, steps } = await simulate(first, trace ? { trace: say } : {});
  say(`world ${first}: ${steps} steps; orders ${list(ends)}; trouble ${list(trouble)}`);
  say(`violations ${violations.length}`);
  for (const violation of violations) say(`  ${violation}`);
  if (violations.length > 0 && !trace) say(`see how with --seed ${first} --trace`);
  return violations.length === 0;
}

async function runMany({ first, many, defects }: SimulationOptions, say: (line: string) => void): Promise<boolean> {
  const started = performance.now();
  const tally = await simulateMany({ first, many, defects });
  const seconds = (performance.now() - started) / 1_000;
  say(`worlds     ${tally.worlds}, seeds ${first} to ${first + many - 1}`);
  say(
    `time       ${seconds.toFixed(1)} s, ${Math.round((tally.worlds / seconds) * 60)} worlds a minute; ` +
      `${((tally.cpuSeconds / tally.worlds) * 1_000).toFixed(2)} ms of CPU a world, ${Math.round(tally.steps / tally.worlds)} steps`,
  );
  say(`orders     ${list(tally.ends)}`);
  say(`trouble    in ${tally.troubled} worlds: ${list(tally.trouble)}`);
  say(`operator   replayed dead letters in ${tally.replayed} worlds, decided in ${tally.decided}`);
  say(`recovery   ${(tally.longestRecoveryMs / 1_000).toFixed(1)} s of virtual time at most`);
  say(`violations in ${tally.bad.length} worlds`);
  for (const { seed, violations } of tally.bad.slice(0, 5)) {
    say(`  world ${seed}: ${violations[0]}${violations.length > 1 ? ` (and ${violations.length - 1} more)` : ''}`);
    say(`    see how with --simulate --seed ${seed} --trace${defects === '' ? '' : ` --defects ${defects}`}`);
  }
  const hollow = hollowness(tally);
  if (hollow !== null) say(`hollow run: ${hollow}`);
  return tally.bad.length === 0 && hollow === null;
}

/** Why a run of many worlds proves nothing; null where it does. */
export function hollowness({ worlds, troubled, ends, replayed, decided }: Tally): string | null {
  if (worlds < 1_000) return null;
  const orders = Object.values(ends).reduce((sum, many) => sum + many, 0);
  for (const end of ['Completed', 'Compensated'])
    if ((ends[end] ?? 0) < orders / 10) return `fewer than a tenth of the orders ended ${end}`;
  if (troubled < worlds / 5) return 'fewer than a fifth of the worlds had trouble';
  return replayed === 0 || decided === 0 ? 'no operator was ever needed' : null;
}

const list = (counts: Readonly<Record<string, number>>): string =>
  Object.entries(counts)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, many]) => `${name} ${many}`)
    .join(', ') || 'none';
