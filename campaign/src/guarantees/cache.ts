/**
 * Guarantee 6: a writer reads its own write at once, the other replica serves it within 500 ms, cut off from Redis within
 * five seconds, and nobody sees an older version after a newer one.
 *
 * Two real catalog replicas. One operator per product writes ever higher numbers, at one replica and the other in turn;
 * a reader per product and replica reads all the time. Meanwhile the replicas' links to Redis are cut and frozen, one or
 * both, and at the end of each cut every product changes in a way that the one cut off cannot hear of. Every read is kept
 * and judged by when it began.
 */
import { until } from '@ballast/testing';
import { judgeReads, promisedMs, type Disturbance, type Read, type Write } from './cache-judge.ts';
import { startCatalogPair, type CatalogPair } from './catalog-pair.ts';
import type { GuaranteeReport } from './report.ts';

export interface CacheSize {
  writes: number;
  /** Times that Redis is cut off from one replica or both. */
  redisCuts: number;
  /** Products, each with one writer and two readers. */
  products: number;
  /** How late the other replica may be, in ms, if not the 500 that are promised: a small run shares its machine. */
  withinMs?: number;
  /** Defects and fail points to plant in the replicas, comma separated. */
  defects?: string;
  faults?: string;
}

/** What is promised, in the size that it is promised for. Takes about a minute and a half on two cores. */
export const fullSize: CacheSize = { writes: 20_000, redisCuts: 20, products: 6 };

/** How Redis is cut off, in turn: whose link, how, and for how long in ms. */
const cuts = [
  { replicas: [1], how: 'cut', lasts: 500 },
  { replicas: [0], how: 'frozen', lasts: 2_500 },
  { replicas: [0], how: 'cut', lasts: 500 },
  { replicas: [0, 1], how: 'cut', lasts: 500 },
  // Longer than a copy lives.
  { replicas: [1], how: 'frozen', lasts: 6_000 },
] as const;

/** Pauses of readers and writers, in ms. */
const readEveryMs = 4;
const writeEveryMs = 8;
/** A turn of the event loop that takes longer is a hold-up, in ms. */
const heldUpMs = 250;
/** Violations of one kind that are told. */
const mostTold = 5;

const pause = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));

interface Watched {
  productId: string;
  etag: string;
  writes: Write[];
  /** What the writer read at the same replica, right after each write. */
  ownReads: { wrote: number; read: number }[];
  /** By replica. */
  reads: [Read[], Read[]];
}

/** Runs it and judges it; needs PostgreSQL, RabbitMQ and Redis (TEST_…_URL). Whatever it starts is gone at the end. */
export async function checkCache(size: CacheSize): Promise<GuaranteeReport> {
  const { defects = '', faults = '' } = size;
  const pair = await startCatalogPair({ defects, faults });
  const startedAt = performance.now();
  const holdUps = watchHoldUps();
  try {
    const watched = await Promise.all(
      Array.from({ length: size.products }, async (): Promise<Watched> => {
        const productId = await pair.addProduct(0);
        const { etag } = await pair.get(pair.replicas[0], productId);
        return { productId, etag, writes: [], ownReads: [], reads: [[], []] };
      }),
    );
    await bothHear(pair, watched);
    const failures: string[] = [];
    let reading = true;
    const readers = watched.flatMap((one) =>
      [0, 1].map(async (replica) => {
        while (reading) {
          await readOnce(pair, one, replica).catch((error: unknown) =>
            failures.push(`a read failed: ${String(error)}`),
          );
          await pause(readEveryMs);
        }
      }),
    );
    const disturbances = await disturb(pair, watched, size, failures);
    reading = false;
    await Promise.all(readers);
    return summarise(size, watched, disturbances, holdUps.found, failures, performance.now() - startedAt);
  } finally {
    holdUps.stop();
    await pair.close();
  }
}

/** The links to Redis are in this process: where it is held up, so is what passes through them. */
function watchHoldUps(): { found: Disturbance[]; stop: () => void } {
  const found: Disturbance[] = [];
  let last = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    if (now - last > heldUpMs) found.push({ from: last, to: now });
    last = now;
  }, 50);
  return { found, stop: () => clearInterval(timer) };
}

/** Writes, in calm and with Redis cut off, until all writes are done. Resolves to when it was cut off. */
async function disturb(
  pair: CatalogPair,
  watched: readonly Watched[],
  size: CacheSize,
  failures: string[],
): Promise<Disturbance[]> {
  const disturbances: Disturbance[] = [];
  const phases = size.redisCuts * 2 + 1;
  let written = 0;
  const writePhase = async (phase: number): Promise<void> => {
    const goal = Math.round((size.writes * (phase + 1)) / phases);
    await Promise.all(
      watched.map(async (one) => {
        while (written < goal && failures.length < mostTold) {
          written += 1;
          await writeOnce(pair, one).catch((error: unknown) => failures.push(`a write failed: ${String(error)}`));
          await pause(writeEveryMs);
        }
      }),
    );
  };
  for (let cut = 0; cut < size.redisCuts; cut += 1) {
    await writePhase(cut * 2);
    const { replicas, how, lasts } = cuts[cut % cuts.length]!;
    const from = performance.now();
    for (const replica of replicas) pair.replicas[replica].link.set(how);
    await writePhase(cut * 2 + 1);
    await pause(Math.max(0, from + lasts - performance.now()));
    await Promise.all(
      watched.map((one) =>
        changeUnheard(pair, one, replicas[0]).catch((error: unknown) =>
          failures.push(`a write failed: ${String(error)}`),
        ),
      ),
    );
    for (const replica of replicas) pair.replicas[replica].link.set('whole');
    await bothHear(pair, watched);
    disturbances.push({ from, to: performance.now() });
    await settle(watched, size);
  }
  await writePhase(phases - 1);
  await settle(watched, size);
  return disturbances;
}

/** Last a write at the other replica, when `deaf` has a copy that is quite young: it would serve that for seconds. */
async function changeUnheard(pair: CatalogPair, one: Watched, deaf: 0 | 1): Promise<void> {
  if (writerOf(one.writes.length + 1) !== deaf) await writeOnce(pair, one);
  await writeOnce(pair, one);
  await writeOnce(pair, one);
}

/** Nobody writes: what a replica has missed, no later change makes up for. Until all see what is newest, or it is late. */
async function settle(watched: readonly Watched[], { withinMs = promisedMs }: CacheSize): Promise<void> {
  const from = performance.now();
  await until('readers to see what is newest, or to be late', () =>
    watched.every(({ reads, writes }) =>
      reads.every((list) => {
        const last = list.at(-1);
        if (last === undefined || last.startedAt < from) return false;
        return last.number >= writes.length || last.startedAt > from + withinMs + 200;
      }),
    ),
  );
}

/** Replica at which a product's write of that number is made. */
const writerOf = (number: number): 0 | 1 => (number % 2 === 0 ? 0 : 1);

const bothHear = (pair: CatalogPair, watched: readonly Watched[]): Promise<boolean> =>
  until('both replicas to listen', async () => {
    const hear = await Promise.all(pair.replicas.map((replica) => pair.hears(replica, watched[0]!.productId)));
    return hear.every(Boolean);
  });

async function writeOnce(pair: CatalogPair, one: Watched): Promise<void> {
  const number = one.writes.length + 1;
  const replica = writerOf(number);
  const answer = await pair.put(pair.replicas[replica], one.productId, one.etag, number);
  if (answer.status !== 200) throw new Error(`${answer.status} ${JSON.stringify(answer.body)}`);
  one.etag = answer.etag;
  one.writes.push({ number, replica, at: performance.now() });
  const own = await pair.get(pair.replicas[replica], one.productId);
  one.ownReads.push({ wrote: number, read: own.body.onHand ?? -1 });
}

async function readOnce(pair: CatalogPair, one: Watched, replica: number): Promise<void> {
  const startedAt = performance.now();
  const answer = await pair.get(pair.replicas[replica]!, one.productId);
  if (answer.status !== 200) throw new Error(`${answer.status} ${JSON.stringify(answer.body)}`);
  one.reads[replica]!.push({ startedAt, number: answer.body.onHand! });
}

function summarise(
  size: CacheSize,
  watched: readonly Watched[],
  disturbances: readonly Disturbance[],
  holdUps: readonly Disturbance[],
  failures: readonly string[],
  tookMs: number,
): GuaranteeReport {
  const excused = [...disturbances, ...holdUps];
  const judged = watched.flatMap(({ reads, writes }) =>
    reads.map((list, replica) => judgeReads(replica, list, writes, excused, size.withinMs)),
  );
  const writes = watched.flatMap((one) => one.writes);
  const waits = judged.flatMap((one) => one.waits).toSorted((a, b) => a.ms - b.ms);
  const calm = waits.filter((wait) => wait.calm);
  const own = watched
    .flatMap((one) => one.ownReads)
    .filter(({ wrote, read }) => read !== wrote)
    .map(({ wrote, read }) => `a writer reads its own write at once: ${read} instead of ${wrote}`);
  const told = [failures, own, judged.flatMap(({ fallen }) => fallen), judged.flatMap(({ late }) => late)];
  const hollow = writes.length < size.writes ? [`only ${writes.length} of ${size.writes} writes were accepted`] : [];
  const round = (value: number): number => Math.round(value * 10) / 10;
  return {
    figures: {
      writes: writes.length,
      reads: watched.reduce((sum, { reads }) => sum + reads[0].length + reads[1].length, 0),
      redisCuts: disturbances.length,
      holdUps: holdUps.length,
      ownReads: watched.reduce((sum, { ownReads }) => sum + ownReads.length, 0),
      ownReadsMissed: own.length,
      calmP50Ms: round(calm[Math.floor(calm.length * 0.5)]?.ms ?? 0),
      calmP99Ms: round(calm[Math.floor(calm.length * 0.99)]?.ms ?? 0),
      calmMaxMs: round(calm.at(-1)?.ms ?? 0),
      cutOffMaxMs: round(waits.findLast((wait) => !wait.calm)?.ms ?? 0),
      fallen: judged.reduce((sum, { fallen }) => sum + fallen.length, 0),
      late: judged.reduce((sum, { late }) => sum + late.length, 0),
      seconds: round(tookMs / 1_000),
    },
    violations: [...hollow, ...told.flatMap((list) => list.slice(0, mostTold))],
  };
}
