/**
 * When a run counts. A run in which nothing was broken, or nobody ordered, finds no violation either: it is hollow, and
 * that fails it (guarantees.md). And what a fault leaves behind must be mended in the promised time.
 */
import type { Recovery } from './fault-log.ts';
import { percentile } from './figures.ts';

/** How long what was hurt may take to work again once the fault is over: 99 of 100 are faster. In ms. */
const recoveryBounds: Readonly<Record<string, number>> = {
  process: 3_000,
  postgres: 5_000,
  redis: 2_000,
  'broker-connection': 3_000,
  broker: 15_000,
  vault: 10_000,
  outbox: 5_000,
  sagas: 60_000,
};

/** What a guard asks for, and what the run had. */
export interface Guard {
  name: string;
  wanted: string;
  got: string;
  met: boolean;
}

/** What guards look at. Shares are counts, so that nothing of nothing is seen as such. */
export interface Evidence {
  /** Of the schedule: the faults it holds, or how many one of its length must have. */
  faultsWanted: number;
  faults: number;
  calmOrders: { all: number; accepted: number };
  sagas: { all: number; touched: number; completed: number; compensated: number };
  /** Of the auditor's invariants: how many there are, and those it never could say anything of. */
  invariants: { all: number; neverKnown: readonly number[] };
}

const leastCalmAccepted = 0.9;
const leastTouched = 0.2;
const leastOfEachEnd = 0.1;
/** Fewer orders outside fault windows say nothing about their share. */
const leastCalmOrders = 5;
/** 60 in five minutes. */
const faultsPerMinute = 12;

/** Faults that a run of so many seconds must have had. */
export function faultsFor(seconds: number): number {
  return Math.max(1, Math.floor((seconds / 60) * faultsPerMinute));
}

export function guards(evidence: Evidence): Guard[] {
  const { faultsWanted, faults, calmOrders, sagas, invariants } = evidence;
  return [
    { name: 'faults injected', wanted: `at least ${faultsWanted}`, got: String(faults), met: faults >= faultsWanted },
    {
      name: 'orders outside fault windows to judge by',
      wanted: `at least ${leastCalmOrders}`,
      got: String(calmOrders.all),
      met: calmOrders.all >= leastCalmOrders,
    },
    atLeast('of them answered 2xx at once', leastCalmAccepted, calmOrders.accepted, calmOrders.all),
    atLeast('sagas in flight during a fault', leastTouched, sagas.touched, sagas.all),
    atLeast('sagas completed', leastOfEachEnd, sagas.completed, sagas.all),
    atLeast('sagas compensated', leastOfEachEnd, sagas.compensated, sagas.all),
    {
      name: 'invariants that were looked at',
      wanted: 'all that the auditor lists, and some',
      got: invariants.neverKnown.length === 0 ? `all ${invariants.all}` : `not ${invariants.neverKnown.join(', ')}`,
      met: invariants.all > 0 && invariants.neverKnown.length === 0,
    },
  ];
}

function atLeast(name: string, share: number, part: number, all: number): Guard {
  return {
    name,
    wanted: `at least ${share * 100} %`,
    got: all === 0 ? 'none of none' : `${((part / all) * 100).toFixed(1)} % (${part} of ${all})`,
    met: all > 0 && part >= share * all,
  };
}

/** Recovery of one kind. Times in ms. */
export interface RecoveryFigures {
  kind: string;
  /** All that were measured, and those with nothing else broken meanwhile: only these are held to the bound. */
  all: number;
  alone: number;
  /** Of those alone; null where there is none. */
  p50: number | null;
  p99: number | null;
  /** Of all, whatever else was going on. */
  p99OfAll: number;
  /** Null where none is promised. */
  bound: number | null;
  kept: boolean;
  /** What was slowest of those alone. */
  slowest: string | null;
}

/** One line per kind, by name. */
export function recoveryFigures(recoveries: readonly Recovery[]): RecoveryFigures[] {
  const kinds = Map.groupBy(recoveries, ({ kind }) => kind);
  return [...kinds]
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
    .map(([kind, list]) => {
      const alone = list.filter((recovery) => recovery.alone);
      const times = alone.map(({ milliseconds }) => milliseconds);
      const p99 = percentile(times, 0.99);
      const bound = recoveryBounds[kind] ?? null;
      return {
        kind,
        all: list.length,
        alone: alone.length,
        p50: percentile(times, 0.5),
        p99,
        p99OfAll: percentile(
          list.map(({ milliseconds }) => milliseconds),
          0.99,
        )!,
        bound,
        kept: bound === null || p99 === null || p99 <= bound,
        slowest: alone.find(({ milliseconds }) => milliseconds === Math.max(...times))?.title ?? null,
      };
    });
}
