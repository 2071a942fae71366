/**
 * Faults: what can be broken on purpose, and what is broken now. Lab mode only, for operators only.
 *
 * Three levers, the same in every way of running: fail points inside a process, toxics on the link between two of them,
 * and the parts' own controls. The chaos controller (`apps/chaos`, offset +21) owns every fault: it injects, counts
 * down, heals and keeps the record. The bff hands `/api/chaos/<rest>` on to `/<rest>` of the controller.
 */
import { Type, type Static } from 'typebox';
import { Timestamp } from './primitives.ts';

const Seconds = Type.Integer({ minimum: 1, maximum: 120 });
/** An instance (`checkout-1`) or a part (`postgres`). */
const NodeName = Type.String({ pattern: '^[a-z][a-z0-9-]{0,39}$' });
const PointName = Type.String({ pattern: '^[a-z][a-z0-9.-]*$', maxLength: 100 });

/** What a fail point does when it is passed. `freeze` stops the whole process for `milliseconds`, or until it is thawed. */
export const faultActions = ['crash', 'error', 'delay', 'freeze'] as const;

/** The point that every process passes ten times a second in lab mode: with it a process is killed or frozen at once. */
export const tickPoint = 'process.tick';

/** A point of every process that tells others through an outbox (`libs/outbox`): such a process has messages of its own. */
export const outboxPoint = 'after-publish';

/** Toxiproxy's toxics, and `drop`: what goes in one direction vanishes while the connection stays. */
export const toxicTypes = [
  'latency',
  'down',
  'bandwidth',
  'slow_close',
  'timeout',
  'reset_peer',
  'slicer',
  'limit_data',
  'drop',
] as const;
export type ToxicType = (typeof toxicTypes)[number];

/** What parts can be told to do by themselves. */
export const partActions = [
  /** Ends every backend of the services (`pg_terminate_backend`). At once. */
  'postgres.end-backends',
  /** The broker closes every connection. At once. */
  'rabbitmq.close-connections',
  /** Memory alarm: publishes are taken no more, and confirms never come. Lasts. */
  'rabbitmq.memory-alarm',
  /** FLUSHALL. At once. */
  'redis.flush',
  /** Redis answers nobody (CLIENT PAUSE ALL). Lasts. */
  'redis.freeze',
  /** Vault is sealed, and unsealed at the end. Lasts. */
  'vault.seal',
  /** Every lease of one service's database login is revoked long before its end. At once. */
  'vault.revoke-leases',
  /** A message that cannot be read is put into a queue of the service. At once. */
  'message.poison',
  /** The messages told last are told again. At once. */
  'message.duplicate',
] as const;
export type PartAction = (typeof partActions)[number];

/** A fail point in one process. */
export const PointFault = Type.Object(
  {
    kind: Type.Literal('point'),
    instance: NodeName,
    point: PointName,
    action: Type.Enum([...faultActions]),
    /** How long a delay or a freeze is. A freeze without it lasts as long as the fault. */
    milliseconds: Type.Optional(Type.Integer({ minimum: 1, maximum: 60_000 })),
    /** Only the first so many passes; without it every pass. */
    times: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000_000 })),
    seconds: Seconds,
  },
  { additionalProperties: false },
);

/** A toxic on links. `from` or `to` may be `*`: every link of that end. */
export const LinkFault = Type.Object(
  {
    kind: Type.Literal('link'),
    from: Type.Union([NodeName, Type.Literal('*')]),
    to: Type.Union([NodeName, Type.Literal('*')]),
    toxic: Type.Enum([...toxicTypes]),
    /** `upstream`: what `from` sends; `downstream`: what it gets. `down` knows no direction. Default `downstream`. */
    stream: Type.Optional(Type.Enum(['upstream', 'downstream'])),
    /** Share of connections it hits; default 1. */
    toxicity: Type.Optional(Type.Number({ exclusiveMinimum: 0, maximum: 1 })),
    /** By Toxiproxy's names: latency and jitter in ms, rate in KB/s, delay and timeout in ms, bytes, … */
    attributes: Type.Optional(
      // A record over an enum would ask for every key.
      Type.Partial(
        Type.Record(
          Type.Enum(['latency', 'jitter', 'rate', 'delay', 'timeout', 'average_size', 'size_variation', 'bytes']),
          Type.Integer({ minimum: 0, maximum: 1_000_000_000 }),
        ),
        { additionalProperties: false },
      ),
    ),
    seconds: Seconds,
  },
  { additionalProperties: false },
);

/** A part's own control. `instance` says whose lease, queue or messages, where it matters; without it everybody's. */
export const PartFault = Type.Object(
  {
    kind: Type.Literal('part'),
    action: Type.Enum([...partActions]),
    instance: Type.Optional(NodeName),
    seconds: Seconds,
  },
  { additionalProperties: false },
);

/** A negative control: the mesh is broken so that one invariant must turn red. `name` is that of a planted defect. */
export const ControlFault = Type.Object(
  { kind: Type.Literal('control'), control: PointName, seconds: Seconds },
  { additionalProperties: false },
);

/** `POST /faults` of the controller (`POST /api/chaos/faults`) → 201 {@link Fault}; 422 where the target is unknown. */
export const FaultRequest = Type.Union([PointFault, LinkFault, PartFault, ControlFault]);
export type FaultRequest = Static<typeof FaultRequest>;

export const faultStates = [
  /** It works, and ends by itself at `until`. */
  'active',
  /** Over, and nobody has seen it heal yet: what was hurt does not do its work yet. */
  'recovering',
  /** Over, and what was hurt works again. */
  'healed',
  /** It could not be injected; `detail` says why. */
  'failed',
] as const;

/** One fault, with what it did to callers. Times in milliseconds. */
export const Fault = Type.Object({
  id: Type.String(),
  request: FaultRequest,
  /** For a person: "checkout-1 ↛ rabbitmq: nothing arrives". */
  title: Type.String(),
  /** Nodes it touches, to light them up. */
  nodes: Type.Array(Type.String()),
  /** Links it touches, `from>to`. */
  links: Type.Array(Type.String()),
  state: Type.Enum([...faultStates]),
  injectedAt: Timestamp,
  until: Timestamp,
  /** When it was really over. */
  endedAt: Type.Union([Timestamp, Type.Null()]),
  detail: Type.Union([Type.String(), Type.Null()]),
  receipt: Type.Object({
    /** Requests at the bff (load, probes) that ended from `injectedAt` until it was healed; those answered 5xx or not at all. */
    requests: Type.Integer(),
    failed: Type.Integer(),
    /** Of those answered; null while there are none. */
    p50: Type.Union([Type.Number(), Type.Null()]),
    p95: Type.Union([Type.Number(), Type.Null()]),
    /** From the first failed request to the first good one after the last failed; null where none failed. */
    outage: Type.Union([Type.Number(), Type.Null()]),
    /** What was hurt (`process`, `postgres`, `redis`, `broker-connection`, `broker`, `vault`, `link`). */
    kind: Type.String(),
    /** From the end of the fault until everything it touched was ready again; null while it is not known. */
    recovery: Type.Union([Type.Number(), Type.Null()]),
  }),
});
export type Fault = Static<typeof Fault>;

/** `GET /faults`: newest first, active ones all, of the others the latest 200. `DELETE /faults/:id` heals one, `DELETE /faults` all. */
export const Faults = Type.Object({ items: Type.Array(Fault) });
export type Faults = Static<typeof Faults>;

/** What can be broken: `GET /targets`. */
export const FaultTargets = Type.Object({
  instances: Type.Array(
    Type.Object({ instance: Type.String(), service: Type.String(), points: Type.Array(Type.String()) }),
  ),
  links: Type.Array(Type.Object({ from: Type.String(), to: Type.String() })),
  parts: Type.Array(
    Type.Object({
      action: Type.Enum([...partActions]),
      title: Type.String(),
      /** Null where it works here; otherwise why not. */
      unavailable: Type.Union([Type.String(), Type.Null()]),
    }),
  ),
  controls: Type.Array(
    Type.Object({
      control: Type.String(),
      /** Number of the invariant it must turn red. */
      invariant: Type.Integer(),
      title: Type.String(),
    }),
  ),
});
export type FaultTargets = Static<typeof FaultTargets>;

/** The load of orders, from the controller through the bff. `PUT /load`; `GET /load` {@link LoadState}. */
export const Load = Type.Object(
  {
    /** 0 stops it. */
    ordersPerSecond: Type.Number({ minimum: 0, maximum: 300 }),
    /** Share of orders paid with a card that is declined. */
    declined: Type.Number({ minimum: 0, maximum: 1 }),
    /** Product reads per second beside it. */
    readsPerSecond: Type.Number({ minimum: 0, maximum: 500 }),
  },
  { additionalProperties: false },
);
export type Load = Static<typeof Load>;
export const LoadState = Type.Object({
  load: Load,
  sent: Type.Integer(),
  accepted: Type.Integer(),
  /** 4xx: the mesh has said why, and nothing has happened. */
  refused: Type.Integer(),
  failed: Type.Integer(),
  inFlight: Type.Integer(),
  /** Not sent because too many were under way: the load never queues without bound. */
  skipped: Type.Integer(),
});
export type LoadState = Static<typeof LoadState>;

/** A schedule of faults and load. Recorded from the page, exported, replayed, and run by `npm run campaign`. */
export const Experiment = Type.Object(
  {
    version: Type.Literal(1),
    name: Type.String({ minLength: 1, maxLength: 80 }),
    description: Type.Optional(Type.String({ maxLength: 500 })),
    /** Of everything drawn at random in its load. */
    seed: Type.Integer({ minimum: 0, maximum: 4_294_967_295 }),
    /** How long it goes on before it heals what is left, waits and judges. */
    seconds: Type.Integer({ minimum: 1, maximum: 3_600 }),
    steps: Type.Array(
      Type.Union([
        Type.Object(
          { at: Type.Number({ minimum: 0, maximum: 3_600 }), fault: FaultRequest },
          { additionalProperties: false },
        ),
        Type.Object({ at: Type.Number({ minimum: 0, maximum: 3_600 }), load: Load }, { additionalProperties: false }),
      ]),
      { maxItems: 2_000 },
    ),
  },
  { additionalProperties: false },
);
export type Experiment = Static<typeof Experiment>;

export const experimentPhases = ['idle', 'running', 'healing', 'judging', 'done', 'stopped'] as const;

/**
 * `GET /experiment`; `POST /experiment` (an {@link Experiment}) runs one, 409 while another runs; `DELETE /experiment`
 * stops and heals. `GET /experiments` lists those that come with Ballast (the drill is one). `POST /recording` begins
 * to record what is done by hand, `DELETE /recording` ends it and answers the {@link Experiment}.
 */
export const ExperimentState = Type.Object({
  phase: Type.Enum([...experimentPhases]),
  name: Type.Union([Type.String(), Type.Null()]),
  startedAt: Type.Union([Timestamp, Type.Null()]),
  /** Seconds into it, and how many it takes. */
  elapsed: Type.Number(),
  seconds: Type.Number(),
  step: Type.Integer(),
  steps: Type.Integer(),
  /** What is being done now, for a person. */
  doing: Type.String(),
  /** The verdict of the last one that ended; null before. */
  result: Type.Union([
    Type.Object({
      passed: Type.Boolean(),
      faults: Type.Integer(),
      requests: Type.Integer(),
      failed: Type.Integer(),
      /** Invariants that were violated at any time, by number. */
      violated: Type.Array(Type.Integer()),
      recoveryP50: Type.Union([Type.Number(), Type.Null()]),
      recoveryP99: Type.Union([Type.Number(), Type.Null()]),
    }),
    Type.Null(),
  ]),
  recording: Type.Union([Type.Object({ since: Timestamp, steps: Type.Integer() }), Type.Null()]),
});
export type ExperimentState = Static<typeof ExperimentState>;
export const Experiments = Type.Object({ items: Type.Array(Experiment) });
