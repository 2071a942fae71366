/** Queries for the lab: a steady stream of short ones, every tenth long, so that a rotation happens under way. */
import type { LabCredentialLoad, LabCredentials } from '@ballast/contracts';
import type { Static } from 'typebox';
import type { Database } from './database.ts';

/** Beyond these a tick is left out: the service's own work must get connections, too. */
const mostInFlight = 50;
const mostLong = 4;
/** A statement has a time limit of its own (below a second in some services): long work is a transaction of several. */
const longestStatementMs = 400;
const tickMs = 20;

export interface Load {
  status(): NonNullable<Static<typeof LabCredentials>['load']>;
  stop(): void;
}

/** Runs queries on `database` for so many seconds. */
export function startLoad(
  database: Database,
  { seconds, perSecond, longMilliseconds }: Static<typeof LabCredentialLoad>,
): Load {
  const startedAt = performance.now();
  const counts = { done: 0, failed: 0, inFlight: 0, longest: 0 };
  let long = 0;
  let sent = 0;
  let timer: NodeJS.Timeout | undefined;

  const run = async (isLong: boolean): Promise<void> => {
    const begunAt = performance.now();
    counts.inFlight += 1;
    if (isLong) long += 1;
    try {
      await (isLong ? sleepInTransaction(database, longMilliseconds) : database.query('SELECT 1'));
      counts.done += 1;
      counts.longest = Math.max(counts.longest, Math.round(performance.now() - begunAt));
    } catch {
      // What became of it is the figure that is shown.
      counts.failed += 1;
    } finally {
      counts.inFlight -= 1;
      if (isLong) long -= 1;
    }
  };

  const tick = (): void => {
    const elapsedMs = performance.now() - startedAt;
    if (elapsedMs >= seconds * 1_000) return stop();
    for (const due = Math.floor((elapsedMs * perSecond) / 1_000); sent < due; sent += 1) {
      if (counts.inFlight < mostInFlight) void run(sent % 10 === 0 && longMilliseconds > 0 && long < mostLong);
    }
  };
  const stop = (): void => {
    clearInterval(timer);
    timer = undefined;
  };
  timer = setInterval(tick, tickMs);
  return { status: () => ({ running: timer !== undefined || counts.inFlight > 0, ...counts }), stop };
}

async function sleepInTransaction(database: Database, milliseconds: number): Promise<void> {
  await database.transaction(async (transaction) => {
    for (let left = milliseconds; left > 0; left -= longestStatementMs) {
      await transaction.query('SELECT pg_sleep($1)', [Math.min(left, longestStatementMs) / 1_000]);
    }
  });
}
