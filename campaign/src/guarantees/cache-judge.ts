/** Judges what readers of cached rows saw: who must have seen which write from when on, and that nothing went back. */

/** An acknowledged write. Numbers grow by one per product, and are what readers see. Times are of `performance.now()`. */
export interface Write {
  number: number;
  /** Replica that took it. */
  replica: number;
  at: number;
}

/** One read of one reader, in order. */
export interface Read {
  startedAt: number;
  number: number;
}

/** While a replica and Redis were cut off from each other, until both replicas were heard to listen again; or held up. */
export interface Disturbance {
  from: number;
  to: number;
}

/** How long after a write the other replica was first asked and had it; `calm` unless Redis was cut off meanwhile. */
export interface Wait {
  ms: number;
  calm: boolean;
}

/** How long another replica may serve what is old, in ms: promised usually, and cut off from Redis. */
export const promisedMs = 500;
const lifetimeMs = 5_000;

/** From when on no read at `replica` may begin that does not see the write. */
function deadline(write: Write, replica: number, disturbances: readonly Disturbance[], withinMs: number): number {
  if (write.replica === replica) return write.at;
  const usual = write.at + withinMs;
  const disturbed = disturbances.filter(({ from, to }) => from < usual && write.at < to);
  if (disturbed.length === 0) return usual;
  return Math.min(write.at + lifetimeMs, Math.max(...disturbed.map(({ to }) => to)) + withinMs);
}

/** What one reader at `replica` saw against its promises; `withinMs` is how late it may be while Redis is there. */
export function judgeReads(
  replica: number,
  reads: readonly Read[],
  writes: readonly Write[],
  disturbances: readonly Disturbance[],
  withinMs: number = promisedMs,
): { fallen: string[]; late: string[]; waits: Wait[] } {
  const due = writes
    .map((write) => ({ ...write, deadline: deadline(write, replica, disturbances, withinMs) }))
    .toSorted((a, b) => a.deadline - b.deadline);
  const fallen: string[] = [];
  const late: string[] = [];
  const waits: Wait[] = [];
  let seen = 0;
  let required: (typeof due)[number] | undefined;
  let next = 0;
  let unseen = 0;
  for (const { startedAt, number } of reads) {
    if (number < seen) fallen.push(`versions never fall: ${number} after ${seen}`);
    seen = Math.max(seen, number);
    for (let write = due[next]; write !== undefined && write.deadline < startedAt; write = due[next]) {
      if (required === undefined || write.number > required.number) required = write;
      next += 1;
    }
    if (required !== undefined && number < required.number) {
      const kind = required.replica === replica ? 'a writer reads its own write at once' : 'others see it in time';
      late.push(`${kind}: ${number} instead of ${required.number}, ${Math.round(startedAt - required.at)} ms after it`);
    }
    for (let write = writes[unseen]; write !== undefined && write.number <= number; write = writes[unseen]) {
      if (write.replica !== replica) {
        const calm = deadline(write, replica, disturbances, withinMs) === write.at + withinMs;
        waits.push({ ms: Math.max(0, startedAt - write.at), calm });
      }
      unseen += 1;
    }
  }
  return { fallen, late, waits };
}
