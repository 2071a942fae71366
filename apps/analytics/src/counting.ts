/**
 * The counters: what gateways report, kept as the largest number of each process in PostgreSQL and as sums in memory.
 *
 * A report is durable before anybody counts on it. Reports that come in while others are being written go together, those
 * of one process as one. Memory is made from the rows at the start and follows every commit, so it is never ahead of them.
 */
import type { GatewayCounted } from '@ballast/contracts';
import { defect } from '@ballast/faults';
import { createBatcher, type Database } from '@ballast/postgres';
import type { LiveGateways } from './live.ts';
import {
  countsOf,
  nameableKey,
  nameablesOf,
  nameLimits,
  seriesKey,
  type Count,
  type IsNamed,
  type Nameable,
  type Series,
} from './domain/series.ts';
import { lookUpEpochs, readStored, writeEpochs, type EpochCounts } from './store/counts.ts';
import { foldEpochs, rememberedDays } from './store/folding.ts';
import { addNames, readNames } from './store/names.ts';

/** Why a report is not counted: its process was folded, or nobody knows any more whether it was. */
export type Refusal = 'folded' | 'too-old';

export interface Counting {
  /** Makes memory from the rows; call it before anything else. */
  load(): Promise<void>;
  /** Resolves once the report is durable (or refused). */
  take(report: GatewayCounted): Promise<void>;
  /** Folds processes that are over, then makes memory anew: another replica may have written, too. */
  sweep(): Promise<void>;
}

export interface CountingOptions {
  database: Database;
  live: LiveGateways;
  /** Told by how much a series has grown; never by less than nothing. */
  onGrown: (series: Series, by: number) => void;
  onRefused: (refusal: Refusal, report: GatewayCounted) => void;
}

/** What is known of a process. */
interface Epoch {
  seq: number;
  counts: Map<string, number>;
}

/** Reports written together; those of one process are one by then. */
const reportsAtOnce = 256;
const dayMs = 86_400_000;

export function createCounting({ database, live, onGrown, onRefused }: CountingOptions): Counting {
  let epochs = new Map<string, Epoch>();
  let totals = new Map<string, number>();
  let named = new Map<string, Nameable>();

  /** Writing and making memory anew must not overlap. */
  let busy: Promise<unknown> = Promise.resolve();
  const exclusively = <Result>(work: () => Promise<Result>): Promise<Result> => {
    const result = busy.then(work);
    busy = result.catch(() => undefined);
    return result;
  };

  const grow = (series: Series, by: number): void => {
    const key = seriesKey(series);
    totals.set(key, (totals.get(key) ?? 0) + by);
    onGrown(series, by);
  };

  const load = async (): Promise<void> => {
    const stored = await readStored(database);
    named = byName(await readNames(database));
    const before = totals;
    epochs = new Map(stored.epochs.map(({ epoch, seq }) => [epoch, { seq, counts: new Map<string, number>() }]));
    totals = new Map();
    const series = new Map<string, Series>();
    for (const count of stored.counts) {
      const key = seriesKey(count);
      series.set(key, count);
      totals.set(key, (totals.get(key) ?? 0) + count.count);
      if (count.epoch !== null) epochs.get(count.epoch)?.counts.set(key, count.count);
    }
    for (const [key, total] of totals) {
      const by = total - (before.get(key) ?? 0);
      if (by > 0) onGrown(series.get(key)!, by);
    }
    for (const state of stored.epochs) live.note(state, state.agoMs);
  };

  /** What is named, with what is new as long as there is room. It is for good once the transaction has committed. */
  const nameNew = async (
    transaction: Parameters<typeof addNames>[0],
    reports: readonly GatewayCounted[],
  ): Promise<Map<string, Nameable>> => {
    const wanted = new Map<string, Nameable>();
    for (const nameable of reports.flatMap(nameablesOf)) {
      const key = nameableKey(nameable);
      if (!named.has(key) && roomFor(nameable.kind)) wanted.set(key, nameable);
    }
    return wanted.size === 0 ? named : byName(await addNames(transaction, [...wanted.values()]));
  };
  const roomFor = (kind: Nameable['kind']): boolean => {
    let taken = 0;
    for (const nameable of named.values()) if (nameable.kind === kind) taken += 1;
    return taken < nameLimits[kind];
  };

  /** What reports of one process say together, beyond what is known of it. */
  const merge = (epoch: string, reports: readonly GatewayCounted[], isNamed: IsNamed): EpochCounts => {
    const newest = reports.reduce((best, report) => (report.seq > best.seq ? report : best));
    const known = epochs.get(epoch)?.counts;
    const grown = new Map<string, Count>();
    for (const report of reports) {
      for (const count of countsOf(report, isNamed)) {
        if (count.name === 'rejected' && defect('analytics.failures-uncounted')) continue;
        const key = seriesKey(count);
        const before = grown.get(key)?.count ?? known?.get(key) ?? 0;
        const largest = defect('analytics.adds-instead-of-largest') ? before + count.count : count.count;
        if (largest > before) grown.set(key, { ...count, count: largest });
      }
    }
    const { gateway, seq, connections, sessions } = newest;
    const last = reports.some((report) => report.last);
    return { epoch, gateway, seq, connections, sessions, last, counts: [...grown.values()] };
  };

  const remember = ({ epoch, seq, counts }: EpochCounts): void => {
    const known = epochs.get(epoch) ?? { seq: -1, counts: new Map<string, number>() };
    epochs.set(epoch, known);
    known.seq = Math.max(known.seq, seq);
    for (const count of counts) {
      const key = seriesKey(count);
      grow(count, count.count - (known.counts.get(key) ?? 0));
      known.counts.set(key, count.count);
    }
  };

  const write = async (reports: readonly GatewayCounted[]): Promise<void> => {
    const byEpoch = Map.groupBy(reports, ({ epoch }) => epoch);
    const refused = new Map<string, Refusal>();
    const written = await database.transaction(async (transaction) => {
      const found = await lookUpEpochs(transaction, [...byEpoch.keys()]);
      refused.clear();
      for (const [epoch, ofEpoch] of byEpoch) {
        const refusal = refusalOf(found.get(epoch), ofEpoch);
        if (refusal !== null) refused.set(epoch, refusal);
      }
      const accepted = [...byEpoch].filter(([epoch]) => !refused.has(epoch));
      const names = await nameNew(
        transaction,
        accepted.flatMap(([, ofEpoch]) => ofEpoch),
      );
      const isNamed: IsNamed = (nameable) => names.has(nameableKey(nameable));
      const entries = accepted.map(([epoch, ofEpoch]) => merge(epoch, ofEpoch, isNamed));
      if (entries.length > 0) await writeEpochs(transaction, entries);
      return { names, entries };
    });
    named = written.names;
    for (const entry of written.entries) {
      if (entry.seq > (epochs.get(entry.epoch)?.seq ?? -1)) live.note(entry);
      remember(entry);
    }
    for (const report of reports) {
      const refusal = refused.get(report.epoch);
      if (refusal !== undefined) onRefused(refusal, report);
    }
  };

  let serial = 0;
  const push = createBatcher<{ serial: number; report: GatewayCounted }, void>({
    key: (item) => String(item.serial),
    maxItems: reportsAtOnce,
    one: ({ report }) => exclusively(() => write([report])),
    many: async (items) => {
      await exclusively(() => write(items.map(({ report }) => report)));
      return items.map(() => undefined);
    },
  });

  return {
    load: () => exclusively(load),
    take: (report) => {
      // Of a process that is known the moment is taken at once: a database that is away changes nothing about who is connected.
      const known = epochs.get(report.epoch);
      if (known !== undefined && report.seq > known.seq) live.note(report);
      serial += 1;
      return push({ serial, report });
    },
    sweep: () =>
      exclusively(async () => {
        await foldEpochs(database);
        await load();
      }),
  };
}

const byName = (names: readonly Nameable[]): Map<string, Nameable> =>
  new Map(names.map((nameable) => [nameableKey(nameable), nameable]));

/** The machine's clock and the gateways' are compared here only, and only by the month. */
function refusalOf(found: 'known' | 'folded' | undefined, reports: readonly GatewayCounted[]): Refusal | null {
  if (found === 'folded') return 'folded';
  if (found === 'known') return null;
  const newest = Math.max(...reports.map(({ at }) => Date.parse(at)));
  return newest < Date.now() - rememberedDays * dayMs ? 'too-old' : null;
}
