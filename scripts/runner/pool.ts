/** Runs jobs a few at a time, some kinds of them fewer at a time than others, in the order in which they are given. */

/** A kind of job: how much room one of them takes, and how many of them run at the same time at most. */
export type Lane = { room: number; atOnce: number };

/** Something to do. `slot` is a number that no other job has while this one runs, counted from 0. Must not reject. */
export type Job = { lane: Lane; run: (slot: number) => Promise<void> };

/** Runs all jobs, as many at the same time as there is `room` for; begins no more once `isOver` says so. */
export async function runJobs(
  jobs: readonly Job[],
  { room, isOver }: { room: number; isOver: () => boolean },
): Promise<void> {
  const waiting = [...jobs];
  const running = new Map<Lane, number>();
  let left = room;
  /** Resolves when the next job ends, whichever it is. */
  let oneEnded = Promise.withResolvers<void>();

  const fits = ({ lane }: Job): boolean => lane.room <= left && (running.get(lane) ?? 0) < lane.atOnce;
  const note = ({ lane }: Job, change: 1 | -1): void => {
    running.set(lane, (running.get(lane) ?? 0) + change);
    left -= change * lane.room;
  };
  const worker = async (slot: number): Promise<void> => {
    while (waiting.length > 0 && !isOver()) {
      const next = waiting.findIndex(fits);
      if (next === -1) {
        await oneEnded.promise;
        continue;
      }
      const [job] = waiting.splice(next, 1) as [Job];
      note(job, 1);
      await job.run(slot);
      note(job, -1);
      oneEnded.resolve();
      oneEnded = Promise.withResolvers();
    }
  };
  await Promise.all(Array.from({ length: room }, (_, slot) => worker(slot)));
}
