/** What the page knows of the mesh, slice by slice, and how an inbox changes it. Pure. */
import type {
  ExperimentState,
  Fault,
  LiveMetrics,
  LivePhase,
  LiveTopology,
  LoadState,
  Move,
  Verdicts,
  WireCall,
} from '@ballast/contracts';
import { keepLast, mostCalls, mostMetrics } from './inbox.ts';
import type { Inbox } from './inbox.ts';

/** A call with a number of its own, so that a row stays the same row while others come. */
export type NumberedCall = WireCall & { number: number };

export type Wire = { calls: readonly NumberedCall[]; missed: number; last: number };

export type Orders = {
  /** Moves told since the last frame, for the drawing. */
  moves: readonly Move[];
  /** Moves that were only counted, since the page was opened. */
  missed: number;
  /** Orders by state, from rows. */
  totals: Readonly<Record<string, number>>;
};

export type Live = {
  topology: LiveTopology;
  phase: LivePhase | null;
  faults: readonly Fault[];
  invariants: Verdicts | null;
  load: LoadState | null;
  experiment: ExperimentState | null;
  metrics: readonly LiveMetrics[];
  wire: Wire;
  orders: Orders;
};

export const nothingKnown: Live = {
  topology: { nodes: [], links: [] },
  phase: null,
  faults: [],
  invariants: null,
  load: null,
  experiment: null,
  metrics: [],
  wire: { calls: [], missed: 0, last: 0 },
  orders: { moves: [], missed: 0, totals: {} },
};

/** What is known after the inbox has been read. Slices it says nothing about stay the same object. */
export function readInbox(known: Live, inbox: Inbox): Live {
  const live = { ...known };
  const { snapshot } = inbox;
  if (snapshot !== null) {
    live.topology = snapshot.topology;
    live.phase = snapshot.phase;
    live.faults = snapshot.faults.items;
    live.invariants = snapshot.invariants;
    live.load = snapshot.load;
    live.experiment = snapshot.experiment;
    live.metrics = snapshot.metrics.slice(-mostMetrics);
    live.wire = appendCalls({ calls: [], missed: 0, last: known.wire.last }, snapshot.wire, 0);
    live.orders = { moves: [], missed: 0, totals: snapshot.orders.totals };
  }
  if (inbox.topology !== null) live.topology = inbox.topology;
  if (inbox.phase !== null) live.phase = inbox.phase;
  if (inbox.faults !== null) live.faults = inbox.faults.items;
  if (inbox.invariants !== null) live.invariants = inbox.invariants;
  if (inbox.load !== null) live.load = inbox.load;
  if (inbox.experiment !== null) live.experiment = inbox.experiment;
  if (inbox.metrics.length > 0) live.metrics = appendMetrics(live.metrics, inbox.metrics);
  if (inbox.calls.length > 0 || inbox.missedCalls > 0)
    live.wire = appendCalls(live.wire, inbox.calls, inbox.missedCalls);
  if (inbox.totals !== null)
    live.orders = { moves: inbox.moves, missed: live.orders.missed + inbox.missedMoves, totals: inbox.totals };
  return live;
}

/** A resumed stream may tell a point twice: it is one point. */
function appendMetrics(known: readonly LiveMetrics[], added: readonly LiveMetrics[]): LiveMetrics[] {
  const list = [...known];
  const latest = list.at(-1)?.at ?? '';
  keepLast(
    list,
    added.filter(({ at }) => at > latest),
    mostMetrics,
  );
  return list;
}

function appendCalls(wire: Wire, added: readonly WireCall[], missed: number): Wire {
  const calls = [...wire.calls];
  const gone = keepLast(
    calls,
    added.map((call, index) => ({ ...call, number: wire.last + index + 1 })),
    mostCalls,
  );
  // Rows that gave way to newer ones were shown; those that came and went within a frame were not.
  const unseen = Math.max(0, gone - wire.calls.length);
  return { calls, missed: wire.missed + missed + unseen, last: wire.last + added.length };
}
