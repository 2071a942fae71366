/** A steady stream of queries of three kinds on one database, each writing a row, and what became of them. */
import type { Database } from '@ballast/postgres';

type Kind = 'short' | 'long' | 'transaction';

export interface QueryLoad {
  counts: { done: number; long: number; leftOut: number; slowestMs: number };
  failures: { what: Kind; at: number; error: Error }[];
  /** Rows whose writing was acknowledged. */
  written: number[];
  /** Sends no more and waits for those on their way. */
  stop: () => Promise<void>;
}

/** More are left out: what is asked here is whether queries fail, not how many a machine can take. */
const mostInFlight = 100;
const tickMs = 10;
const longEvery = 50;
const transactionEvery = 10;

/** Ids go on from load to load, since the table is one. */
let nextId = 0;

/** Sends so many queries a second until it is stopped. `longQueryMs` of 0 leaves the long ones out. */
export function steadyQueries(
  database: Database,
  { queriesPerSecond, longQueryMs }: { queriesPerSecond: number; longQueryMs: number },
): QueryLoad {
  const startedAt = performance.now();
  const inFlight = new Set<Promise<void>>();
  let sent = 0;

  const run = async (what: Kind, id: number): Promise<void> => {
    const begunAt = performance.now();
    try {
      await statements(database, what, id, longQueryMs);
      load.written.push(id);
      load.counts.done += 1;
      if (what === 'long') load.counts.long += 1;
      load.counts.slowestMs = Math.max(load.counts.slowestMs, performance.now() - begunAt);
    } catch (error) {
      load.failures.push({ what, at: performance.now(), error: error as Error });
    }
  };
  const timer = setInterval(() => {
    const due = Math.floor(((performance.now() - startedAt) * queriesPerSecond) / 1_000);
    for (; sent < due; sent += 1) {
      if (inFlight.size >= mostInFlight) {
        load.counts.leftOut += 1;
        continue;
      }
      const isLong = longQueryMs > 0 && sent % longEvery === longEvery - 1;
      const one = run(isLong ? 'long' : sent % transactionEvery === 0 ? 'transaction' : 'short', (nextId += 1));
      inFlight.add(one);
      void one.then(() => inFlight.delete(one));
    }
  }, tickMs);

  const load: QueryLoad = {
    counts: { done: 0, long: 0, leftOut: 0, slowestMs: 0 },
    failures: [],
    written: [],
    stop: async () => {
      clearInterval(timer);
      await Promise.all(inFlight);
    },
  };
  return load;
}

async function statements(database: Database, what: Kind, id: number, longQueryMs: number): Promise<void> {
  switch (what) {
    case 'short':
      return void (await database.query('INSERT INTO written VALUES ($1)', [id]));
    case 'long':
      return void (await database.query('INSERT INTO written SELECT $1 FROM pg_sleep($2)', [id, longQueryMs / 1_000]));
    case 'transaction':
      return database.transaction(async (transaction) => {
        await transaction.query('INSERT INTO written VALUES ($1)', [id]);
        await transaction.query('SELECT count(*) FROM written WHERE id = $1', [id]);
      });
  }
}
