/**
 * What the live stream has told since the last frame was drawn. A slice that replaces keeps only its latest value, one
 * that appends keeps what can be shown: however fast events come, and however long nothing is drawn, it stays small.
 */
import type {
  ExperimentState,
  Fault,
  LiveMetrics,
  LiveOrders,
  LivePhase,
  LiveSnapshot,
  LiveTopology,
  LiveWire,
  LoadState,
  Move,
  Verdicts,
  WireCall,
} from '@ballast/contracts';

/** Kept of each slice that appends; older ones give way. */
export const mostMetrics = 60;
export const mostCalls = 200;
export const mostMoves = 1_000;

export type Inbox = {
  snapshot: LiveSnapshot | null;
  topology: LiveTopology | null;
  phase: LivePhase | null;
  faults: { items: Fault[] } | null;
  invariants: Verdicts | null;
  load: LoadState | null;
  experiment: ExperimentState | null;
  metrics: LiveMetrics[];
  calls: WireCall[];
  /** Calls nobody will see: not told by the mesh, or more than are kept. */
  missedCalls: number;
  moves: Move[];
  missedMoves: number;
  totals: Record<string, number> | null;
};

export function emptyInbox(): Inbox {
  return {
    snapshot: null,
    topology: null,
    phase: null,
    faults: null,
    invariants: null,
    load: null,
    experiment: null,
    metrics: [],
    calls: [],
    missedCalls: 0,
    moves: [],
    missedMoves: 0,
    totals: null,
  };
}

/**
 * Puts one event into the inbox, in place. Answers whether it is known; an unknown one changes nothing, so that a newer
 * mesh can tell more. `data` is what the contract says of that event.
 */
export function receive(inbox: Inbox, name: string, data: unknown): boolean {
  switch (name) {
    case 'snapshot':
      // It says all there is to say: what was told before it is over.
      Object.assign(inbox, emptyInbox(), { snapshot: data as LiveSnapshot });
      return true;
    case 'topology':
      inbox.topology = data as LiveTopology;
      return true;
    case 'phase':
      inbox.phase = data as LivePhase;
      return true;
    case 'faults':
      inbox.faults = data as { items: Fault[] };
      return true;
    case 'invariants':
      inbox.invariants = data as Verdicts;
      return true;
    case 'load':
      inbox.load = data as LoadState;
      return true;
    case 'experiment':
      inbox.experiment = data as ExperimentState;
      return true;
    case 'metrics':
      keepLast(inbox.metrics, [data as LiveMetrics], mostMetrics);
      return true;
    case 'wire': {
      const told = data as LiveWire;
      inbox.missedCalls += told.missed + keepLast(inbox.calls, told.calls, mostCalls);
      return true;
    }
    case 'orders': {
      const told = data as LiveOrders;
      inbox.missedMoves += told.skipped + keepLast(inbox.moves, told.moves, mostMoves);
      inbox.totals = told.totals;
      return true;
    }
    default:
      return false;
  }
}

/** Appends in place and lets the oldest go; answers how many went. */
export function keepLast<Item>(list: Item[], added: readonly Item[], most: number): number {
  list.push(...added.slice(-most));
  const gone = Math.max(0, list.length - most);
  list.splice(0, gone);
  return gone + Math.max(0, added.length - most);
}
