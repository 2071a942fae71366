/** Runs jobs a few at a time, some kinds of them fewer at a time than others, in the order in which they are given. */

/** A kind of job; at most `atOnce` of it run at the same time. */
export type Lane = { atOnce: number };

/** Something to do. `slot` is a number that no other job has while this one runs, counted from 0. Must not reject. */
export type Job = { lane: Lane; run: (slot: number) => Promise<void> };

/** Runs all jobs, at most `atOnce` at the same time; begins no more once `isOver` says so. */
export async function runJobs(
  jobs: readonly Job[],
  { atOnce, isOver }: { atOnce: number; isOver: () => boolean },
): Promise<void> {
  const waiting = [...jobs];
  const running = new Map<Lane, number>();
  /** Resolves when the next job ends, whichever it is. */
  let oneEnded = Promise.withResolvers<void>();

  const worker = async (slot: number): Promise<void> => {
    while (waiting.length > 0 && !isOver()) {
      const next = waiting.findIndex(({ lane }) => (running.get(lane) ?? 0) < lane.atOnce);
      if (next === -1) {
        await oneEnded.promise;
        continue;
      }
      const [job] = waiting.splice(next, 1) as [Job];
      running.set(job.lane, (running.get(job.lane) ?? 0) + 1);
      await job.run(slot);
      running.set(job.lane, running.get(job.lane)! - 1);
      oneEnded.resolve();
      oneEnded = Promise.withResolvers();
    }
  };
  await Promise.all(Array.from({ length: atOnce }, (_, slot) => worker(slot)));
}
