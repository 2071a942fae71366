/** A worker thread of `crowd.ts`: runs worlds until there are no more seeds, and says what they came to. */
import { parentPort, workerData } from 'node:worker_threads';
import { configureFaults } from '@ballast/faults';
import { count, emptyTally, type WorkerTask } from './crowd.ts';
import { simulate } from './simulate.ts';

const { next, end, until, defects } = workerData as WorkerTask;
if (defects !== '') configureFaults({ labMode: true, faults: '', defects });

// Errors are made by the thousand here, and where is of no interest: that is what a trace is for.
Error.stackTraceLimit = 0;

/** Seeds taken at a time. */
const page = 50n;
const counter = new BigInt64Array(next);
const tally = emptyTally();
do {
  const from = Number(Atomics.add(counter, 0, page));
  if (from >= end) break;
  for (let seed = from; seed < Math.min(end, from + Number(page)); seed += 1) count(tally, await simulate(seed));
  // Node looks for rejections that nobody has handled between turns, not between promises.
  await new Promise((resolve) => void setImmediate(resolve));
} while (Date.now() < until);
const { user, system } = process.threadCpuUsage();
tally.cpuSeconds = (user + system) / 1e6;
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a port, not a window
parentPort!.postMessage(tally);
