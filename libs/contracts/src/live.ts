/**
 * `GET /api/live`: what `/chaos` shows, as server-sent events. First `snapshot` ({@link LiveSnapshot}), then one event for
 * each slice that changed, named like the slice. The SSE id is `<epoch>-<seq>`; a client that comes back with
 * `Last-Event-ID` gets what it missed, or a new `snapshot` when that is too long ago or the controller was started anew.
 * A comment line every second keeps silence apart from a broken line.
 */
import { Type, type Static } from 'typebox';
import { ExperimentState, Fault, LoadState } from './faults.ts';
import { breakerStates } from './lab.ts';
import { OrderState } from './orders.ts';
import { Timestamp } from './primitives.ts';
import { Move, Verdicts } from './verdicts.ts';

/** What runs: services, stand-ins and parts, as asked in the last second. */
export const LiveNode = Type.Object({
  name: Type.String(),
  /** `checkout` of `checkout-1`; a part's own name. */
  service: Type.String(),
  kind: Type.Enum(['service', 'stand-in', 'part']),
  state: Type.Enum(['ready', 'not-ready', 'unreachable', 'unknown']),
  /** What `/readyz` says is failing, by name. */
  failing: Type.Record(Type.String(), Type.String()),
  /** Since its start, in seconds; a fall means it was started anew. */
  uptime: Type.Union([Type.Number(), Type.Null()]),
  /** Requests answered in the last second, those answered 5xx, and the median and 95th percentile in ms. */
  requests: Type.Number(),
  errors: Type.Number(),
  p50: Type.Union([Type.Number(), Type.Null()]),
  p95: Type.Union([Type.Number(), Type.Null()]),
  memoryMegabytes: Type.Union([Type.Number(), Type.Null()]),
  /** Rows waiting in its outbox; null where it has none. */
  outbox: Type.Union([Type.Integer(), Type.Null()]),
});
export type LiveNode = Static<typeof LiveNode>;

export const LiveLink = Type.Object({
  from: Type.String(),
  to: Type.String(),
  /** In the last second. */
  bytesPerSecond: Type.Number(),
  connections: Type.Integer(),
  /** From a question on the wire to the first byte of its answer, in ms; null where nothing was asked or it is not measured. */
  latency: Type.Union([Type.Number(), Type.Null()]),
  /** The breaker in front of it; null where there is none. */
  breaker: Type.Union([Type.Enum([...breakerStates]), Type.Null()]),
  /** Toxics on it now. */
  toxics: Type.Array(Type.String()),
});
export type LiveLink = Static<typeof LiveLink>;

export const LiveTopology = Type.Object({ nodes: Type.Array(LiveNode), links: Type.Array(LiveLink) });
export type LiveTopology = Static<typeof LiveTopology>;

/**
 * STEADY: nothing is broken and everything is ready. INJECT: a fault is active and nobody has noticed. DEGRADED: one is
 * active, and something is not ready or requests fail. RECOVERING: none is active, and not everything is as before.
 */
export const phases = ['STEADY', 'INJECT', 'DEGRADED', 'RECOVERING'] as const;
export type Phase = (typeof phases)[number];
export const LivePhase = Type.Object({
  phase: Type.Enum([...phases]),
  since: Timestamp,
  /** Why, for a person. */
  reason: Type.String(),
  /** The latest 200, oldest first; the last is the present one. */
  history: Type.Array(Type.Object({ phase: Type.Enum([...phases]), at: Timestamp })),
});
export type LivePhase = Static<typeof LivePhase>;

/** An order under way, or one that ended within the last seconds. */
export const LiveOrder = Type.Object({
  orderId: Type.String(),
  state: OrderState,
  at: Timestamp,
  event: Type.String(),
});
export type LiveOrder = Static<typeof LiveOrder>;

/** Slice `orders`: moves since the last event, at most 500; beyond that only counted in `skipped`. */
export const LiveOrders = Type.Object({
  moves: Type.Array(Move),
  skipped: Type.Integer(),
  /** Orders by state now, from rows. */
  totals: Type.Record(Type.String(), Type.Integer()),
});
export type LiveOrders = Static<typeof LiveOrders>;

/** One call that a service answered. */
export const WireCall = Type.Object({
  at: Timestamp,
  service: Type.String(),
  instance: Type.String(),
  method: Type.String(),
  /** The route's pattern, never the path: no ids, no secrets. Messages: `consume <type>`. */
  path: Type.String(),
  status: Type.Integer(),
  milliseconds: Type.Number(),
  traceId: Type.Union([Type.String(), Type.Null()]),
  /** Instances that served it behind this one. */
  upstreams: Type.Array(Type.String()),
});
export type WireCall = Static<typeof WireCall>;

/** Any service: `GET /lab/wire?after=<seq>` (lab): the latest calls, at most 200; the ring holds 1,000. */
export const WirePage = Type.Object({
  items: Type.Array(WireCall),
  /** To ask with next time. */
  seq: Type.Integer(),
  /** Calls that went by unseen since `after`. */
  missed: Type.Integer(),
});
export type WirePage = Static<typeof WirePage>;

/** Slice `wire`: calls since the last event, at most 200 sampled; `missed` counts the others. */
export const LiveWire = Type.Object({ calls: Type.Array(WireCall), missed: Type.Integer() });
export type LiveWire = Static<typeof LiveWire>;

/** Slice `metrics`: one point a second, as seen from outside at the bff. Null where there was nothing to measure. */
export const LiveMetrics = Type.Object({
  at: Timestamp,
  requestsPerSecond: Type.Number(),
  errorsPerSecond: Type.Number(),
  p50: Type.Union([Type.Number(), Type.Null()]),
  p95: Type.Union([Type.Number(), Type.Null()]),
  ordersPerSecond: Type.Number(),
  completedPerSecond: Type.Number(),
  compensatedPerSecond: Type.Number(),
  inFlight: Type.Integer(),
  outbox: Type.Integer(),
});
export type LiveMetrics = Static<typeof LiveMetrics>;

/** First event of a stream, and whenever what was missed is no longer known. */
export const LiveSnapshot = Type.Object({
  at: Timestamp,
  topology: LiveTopology,
  phase: LivePhase,
  faults: Type.Object({ items: Type.Array(Fault) }),
  invariants: Type.Union([Verdicts, Type.Null()]),
  orders: Type.Object({ inFlight: Type.Array(LiveOrder), totals: Type.Record(Type.String(), Type.Integer()) }),
  load: LoadState,
  experiment: ExperimentState,
  /** The last 60 seconds, oldest first. */
  metrics: Type.Array(LiveMetrics),
  /** The latest 200 calls, oldest first. */
  wire: Type.Array(WireCall),
});
export type LiveSnapshot = Static<typeof LiveSnapshot>;

/** Names of the events; all but `snapshot`, `orders`, `wire` and `metrics` (which append) replace what was known. */
export const liveEvents = [
  'snapshot',
  'topology',
  'phase',
  'faults',
  'invariants',
  'orders',
  'load',
  'experiment',
  'metrics',
  'wire',
] as const;
export type LiveEvent = (typeof liveEvents)[number];
