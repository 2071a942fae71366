/** Many worlds at once: a worker thread per core, each taking the next seeds until none are left. */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { Outcome } from './simulate.ts';

/** What a worker is started with. */
export interface WorkerTask {
  /** One counter for all workers: the next seed to take. */
  next: SharedArrayBuffer;
  /** The first seed after the last. */
  end: number;
  /** Seeds are taken until then, in ms since the epoch. */
  until: number;
  /** Defects to plant, comma separated. */
  defects: string;
}

/** What many worlds came to. */
export interface Tally {
  worlds: number;
  /** Worlds with trouble besides the weather. */
  troubled: number;
  trouble: Record<string, number>;
  ends: Record<string, number>;
  /** Worlds in which an operator had to replay dead letters, and to decide. */
  replayed: number;
  decided: number;
  steps: number;
  /** Longest time from the end of all trouble to rest, in virtual ms. */
  longestRecoveryMs: number;
  /** CPU seconds of the threads that ran the worlds. */
  cpuSeconds: number;
  /** Worlds with violations, at most so many of a worker. */
  bad: { seed: number; violations: string[] }[];
}

/** Bad worlds that are kept of each worker: with one defect all are bad. */
const mostBad = 100;

export const emptyTally = (): Tally => ({
  worlds: 0,
  troubled: 0,
  trouble: {},
  ends: {},
  replayed: 0,
  decided: 0,
  steps: 0,
  longestRecoveryMs: 0,
  cpuSeconds: 0,
  bad: [],
});

const addAll = (to: Record<string, number>, from: Readonly<Record<string, number>>): void => {
  for (const [name, count] of Object.entries(from)) to[name] = (to[name] ?? 0) + count;
};

/** Counts one world in. */
export function count(tally: Tally, outcome: Outcome): void {
  tally.worlds += 1;
  if (Object.keys(outcome.trouble).length > 0) tally.troubled += 1;
  addAll(tally.trouble, outcome.trouble);
  addAll(tally.ends, outcome.ends);
  if (outcome.replays > 0) tally.replayed += 1;
  if (outcome.decisions > 0) tally.decided += 1;
  tally.steps += outcome.steps;
  tally.longestRecoveryMs = Math.max(tally.longestRecoveryMs, outcome.recoveryMs);
  if (outcome.violations.length > 0 && tally.bad.length < mostBad)
    tally.bad.push({ seed: outcome.seed, violations: outcome.violations });
}

function add(to: Tally, from: Tally): void {
  to.worlds += from.worlds;
  to.troubled += from.troubled;
  addAll(to.trouble, from.trouble);
  addAll(to.ends, from.ends);
  to.replayed += from.replayed;
  to.decided += from.decided;
  to.steps += from.steps;
  to.longestRecoveryMs = Math.max(to.longestRecoveryMs, from.longestRecoveryMs);
  to.cpuSeconds += from.cpuSeconds;
  to.bad.push(...from.bad);
}

/** Runs the worlds of `many` seeds from `first` on; fewer, if `forMs` is over before. Rejects when a worker breaks. */
export async function simulateMany(options: {
  first: number;
  many: number;
  forMs?: number;
  workers?: number;
  defects?: string;
}): Promise<Tally> {
  const { first, many, defects = '', forMs = Infinity, workers = availableParallelism() } = options;
  const next = new SharedArrayBuffer(8);
  new BigInt64Array(next)[0] = BigInt(first);
  const task: WorkerTask = { next, end: first + many, until: Date.now() + forMs, defects };
  const total = emptyTally();
  const tallies = await Promise.all(
    Array.from({ length: Math.min(workers, Math.ceil(many / 50)) }, () => runWorker(task)),
  );
  for (const tally of tallies) add(total, tally);
  total.bad.sort((a, b) => a.seed - b.seed);
  return total;
}

function runWorker(task: WorkerTask): Promise<Tally> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('worker.ts', import.meta.url), {
      workerData: task,
      // A world leaves little behind: the larger this is, the less often it is looked through.
      resourceLimits: { maxYoungGenerationSizeMb: 64 },
    });
    worker.once('message', resolve);
    worker.once('error', reject);
    worker.once('exit', (code) => reject(new Error(`a worker ended with ${code} before it was done`)));
  });
}
