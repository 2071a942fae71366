/**
 * What the demonstrations on `/lab` exchange with the mesh. All of it exists in lab mode only and is for operators.
 *
 * A service's own lab routes are below `/lab` on its port; the bff hands `/api/lab/services/<instance>/<rest>` on to
 * `/lab/<rest>` of that instance. Routes of the bff itself are named with their full path here.
 */
import { Type, type Static } from 'typebox';
import { Timestamp, Uuid } from './primitives.ts';

const Milliseconds = Type.Number({ minimum: 0 });
const Count = Type.Integer({ minimum: 0 });
const nullable = <Schema extends Parameters<typeof Type.Union>[0][number]>(schema: Schema) =>
  Type.Union([schema, Type.Null()]);

/** A row as it stands in the table, columns by name. */
export const LabRow = Type.Record(Type.String(), Type.Unknown());
export type LabRow = Static<typeof LabRow>;

export const breakerStates = ['closed', 'open', 'half-open'] as const;
export type BreakerState = (typeof breakerStates)[number];

/** `GET /api/lab/cluster`: every instance the bff knows, itself included, asked now; and its circuit breakers. */
export const LabCluster = Type.Object({
  at: Timestamp,
  instances: Type.Array(
    Type.Object({
      instance: Type.String(),
      service: Type.String(),
      state: Type.Enum(['ready', 'not-ready', 'unreachable']),
      /** What `/readyz` says is failing, by name. */
      failing: Type.Record(Type.String(), Type.String()),
      milliseconds: Milliseconds,
    }),
  ),
  upstreams: Type.Array(
    Type.Object({
      name: Type.String(),
      state: Type.Enum([...breakerStates]),
      inFlight: Count,
      /** Most calls at a time; the bulkhead refuses those beyond. */
      limit: Count,
      /** Newest last, the latest twenty. */
      transitions: Type.Array(Type.Object({ at: Timestamp, to: Type.Enum([...breakerStates]) })),
      /** Since the bff started. */
      totals: Type.Object({ answered: Count, failed: Count, shortCircuited: Count, bulkheadRefused: Count }),
    }),
  ),
  /** The rule the breakers follow, in one sentence. */
  rule: Type.String(),
});
export type LabCluster = Static<typeof LabCluster>;

/**
 * `GET /api/lab/buckets` spends nothing. `POST /api/lab/buckets/expensive/spend` takes one token of the caller's
 * `expensive` bucket: 204, or 429 with `Retry-After`; both with `ratelimit-limit`, `-remaining` and `-reset`.
 */
export const LabBuckets = Type.Object({
  buckets: Type.Array(
    Type.Object({
      name: Type.Enum(['default', 'expensive']),
      /** Whose bucket it is: of a session, or of an address. */
      owner: Type.Enum(['session', 'address']),
      burst: Count,
      perSecond: Type.Number(),
      remaining: Type.Number(),
      /** `local` while Redis cannot be asked. */
      store: Type.Enum(['redis', 'local']),
    }),
  ),
  /** The rule at work, as it stands in the code (the Redis script's algorithm in a sentence). */
  rule: Type.String(),
});
export type LabBuckets = Static<typeof LabBuckets>;

/** One of the callers in a race. */
export const LabRacer = Type.Object({
  status: Type.Integer(),
  instance: nullable(Type.String()),
  milliseconds: Milliseconds,
  /** The claim's id, or the version (ETag) this caller was answered with. */
  result: nullable(Type.String()),
  replayed: Type.Optional(Type.Boolean()),
});

/** What every race answers. */
export const LabRaceResult = Type.Object({
  statement: Type.String(),
  before: Type.Array(LabRow),
  after: Type.Array(LabRow),
  racers: Type.Array(LabRacer),
});
export type LabRaceResult = Static<typeof LabRaceResult>;

/** `POST /api/lab/race/key`: that many callers at once, one key, one body → {@link LabRaceResult}. */
export const LabKeyRace = Type.Object(
  { orderId: Uuid, callers: Type.Integer({ minimum: 2, maximum: 200 }) },
  { additionalProperties: false },
);

/** `POST /api/lab/race/version`: that many writers at once, all with the same If-Match → {@link LabRaceResult}. */
export const LabVersionRace = Type.Object(
  { productId: Uuid, writers: Type.Integer({ minimum: 2, maximum: 200 }) },
  { additionalProperties: false },
);

/** claims: `GET /lab/claims?key=…` (all claims filed under that key, anybody's): the rows, and the statement that files one. */
export const LabRows = Type.Object({ rows: Type.Array(LabRow), statement: Type.String() });
export type LabRows = Static<typeof LabRows>;

/** catalog: `GET /lab/products/:id/row` → {@link LabRows} with xmin; the statement is the guarded update. */

/** catalog: `POST /lab/cache/stampede`: empties the product's entry in L1 and L2, then reads it that many times at once. */
export const LabStampede = Type.Object(
  {
    productId: Uuid,
    callers: Type.Integer({ minimum: 2, maximum: 500 }),
    singleFlight: Type.Boolean(),
  },
  { additionalProperties: false },
);
export const LabStampedeResult = Type.Object({
  /** Statements that went to PostgreSQL for it. */
  databaseReads: Count,
  redisReads: Count,
  milliseconds: Type.Object({ p50: Milliseconds, max: Milliseconds, all: Milliseconds }),
  statement: Type.String(),
});
export type LabStampedeResult = Static<typeof LabStampedeResult>;

/** catalog: `GET /lab/cache/products/:id`: what this replica would serve, and what stands behind it. */
export const LabCacheEntry = Type.Object({
  instance: Type.String(),
  l1: nullable(Type.Object({ version: Type.String(), ageMilliseconds: Milliseconds, onHand: Type.Integer() })),
  l2: nullable(Type.Object({ version: Type.String(), onHand: Type.Integer() })),
  row: nullable(Type.Object({ version: Type.String(), onHand: Type.Integer() })),
  /** Whether invalidations arrive now. */
  subscribed: Type.Boolean(),
  totals: Type.Object({ l1Hits: Count, l2Hits: Count, loads: Count, coalesced: Count, invalidations: Count }),
});
export type LabCacheEntry = Static<typeof LabCacheEntry>;

/**
 * `POST /api/lab/converge`: writes through one replica, then watches what each replica serves until all have the new
 * version. `milliseconds` counts from the writer's answer; null where a replica did not get there in two seconds.
 */
export const LabConverge = Type.Object(
  { productId: Uuid, onHand: Type.Integer({ minimum: 0, maximum: 1_000_000 }) },
  { additionalProperties: false },
);
export const LabConvergeResult = Type.Object({
  version: Type.String(),
  writer: Type.String(),
  replicas: Type.Array(
    Type.Object({ instance: Type.String(), before: nullable(Type.String()), milliseconds: nullable(Milliseconds) }),
  ),
  statement: Type.String(),
  before: Type.Array(LabRow),
  after: Type.Array(LabRow),
});
export type LabConvergeResult = Static<typeof LabConvergeResult>;

/** Stages of one rotation, in order; a rotation that fails ends with `failed`. */
export const rotationStages = [
  'started',
  'credentials-fetched',
  'activated',
  'grace-period',
  'revoked-old',
  'failed',
] as const;
export type RotationStage = (typeof rotationStages)[number];

/**
 * Any service with leased credentials: `GET /lab/credentials`, `POST /lab/credentials/rotate` → 202 the same, and
 * `POST /lab/credentials/load` ({@link LabCredentialLoad}) → 202 the same.
 */
export const LabCredentials = Type.Object({
  source: Type.Enum(['vault', 'static']),
  /** Where Vault is, and whether it is the stand-in; null with static credentials. */
  vault: nullable(Type.Object({ address: Type.String(), state: Type.String() })),
  /** The role this service logs in with now. */
  username: Type.String(),
  leaseSeconds: nullable(Type.Number()),
  expiresAt: nullable(Timestamp),
  rotations: Count,
  /** Newest last, the latest forty. */
  stages: Type.Array(
    Type.Object({
      at: Timestamp,
      stage: Type.Enum([...rotationStages]),
      username: nullable(Type.String()),
      detail: nullable(Type.String()),
    }),
  ),
  pools: Type.Object({ active: Count, draining: Count }),
  /** Queries of the load that runs now or ran last. */
  load: nullable(
    Type.Object({ running: Type.Boolean(), done: Count, failed: Count, inFlight: Count, longest: Milliseconds }),
  ),
  /** Login roles of this service that exist in PostgreSQL now, with their connections. */
  databaseRoles: Type.Array(Type.Object({ name: Type.String(), validUntil: nullable(Timestamp), connections: Count })),
});
export type LabCredentials = Static<typeof LabCredentials>;

/** Queries against the service's own pool: `perSecond` short ones, and one in ten lasting `longMilliseconds`. */
export const LabCredentialLoad = Type.Object(
  {
    seconds: Type.Integer({ minimum: 1, maximum: 60 }),
    perSecond: Type.Integer({ minimum: 1, maximum: 500 }),
    longMilliseconds: Type.Integer({ minimum: 0, maximum: 5_000 }),
  },
  { additionalProperties: false },
);

/**
 * Any service with an outbox: `GET /lab/relay`, `POST /lab/relay/pause` ({@link LabRelayPause}), `POST /lab/relay/resume`;
 * all answer this.
 */
export const LabRelay = Type.Object({
  paused: Type.Boolean(),
  /** When it resumes by itself; null while it runs. */
  pausedUntil: nullable(Timestamp),
  rows: Count,
  oldestSeconds: Type.Number(),
  /** Messages told since the service started. */
  told: Count,
  /** The oldest rows, at most ten. */
  waiting: Type.Array(LabRow),
  statement: Type.String(),
});
export type LabRelay = Static<typeof LabRelay>;
export const LabRelayPause = Type.Object(
  { seconds: Type.Integer({ minimum: 1, maximum: 120 }) },
  { additionalProperties: false },
);

/** Any service with consumers: `GET /lab/consumers`. */
export const LabConsumers = Type.Object({
  consumers: Type.Array(
    Type.Object({
      queue: Type.String(),
      /** `tripped`: the kill switch has stopped it after repeated failures; it starts again at `restartsAt`. */
      state: Type.Enum(['running', 'tripped', 'disconnected']),
      restartsAt: nullable(Timestamp),
      trips: Count,
      inHand: Count,
    }),
  ),
  rule: Type.String(),
});
export type LabConsumers = Static<typeof LabConsumers>;

/**
 * Any service: `GET /lab/faults` lists points and switches, `PUT /lab/faults/:point` ({@link LabFault}) arms one (404
 * where there is none of that name), `DELETE /lab/faults/:point` disarms it, `DELETE /lab/faults` all; `PUT` and
 * `DELETE /lab/defects/:name` plant and remove a defect, with `?seconds=` for that long only. All answer this list.
 */
export const LabFault = Type.Object(
  {
    action: Type.Enum(['crash', 'error', 'delay', 'freeze']),
    /** How long a delay or a freeze is; a freeze without it lasts until `seconds` are over. None lasts longer. */
    milliseconds: Type.Optional(Type.Integer({ minimum: 0, maximum: 60_000 })),
    /** So many passes go through first. */
    skip: Type.Optional(Type.Integer({ minimum: 0, maximum: 1_000_000 })),
    /** Only the first so many passes after that; without it every pass. */
    times: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000_000 })),
    /** Disarmed by itself after that long. */
    seconds: Type.Integer({ minimum: 1, maximum: 120 }),
  },
  { additionalProperties: false },
);
export const LabFaults = Type.Object({
  /** Points this process has. Most take a detail as well: `before-commit.order-placed`. */
  points: Type.Array(Type.String()),
  /** Where each of them is, in a few words. */
  places: Type.Record(Type.String(), Type.String()),
  /** `times` null: every pass. `until` null: armed from the environment. */
  armed: Type.Array(
    Type.Object({ point: Type.String(), action: Type.String(), times: nullable(Count), until: nullable(Timestamp) }),
  ),
  defects: Type.Array(Type.String()),
});
export type LabFaults = Static<typeof LabFaults>;

/**
 * Any service with consumers: `POST /lab/messages/poison` ({@link LabPoison}) puts messages that nobody can read into one
 * of its queues (422 where it has none of that name), `POST /lab/messages/duplicate` tells the messages it told last, at
 * most a hundred, once more. Both answer {@link LabInjected}; 503 where the broker cannot be had.
 */
export const LabPoison = Type.Object(
  {
    /** Short name (`catalog.commands`); the service's first queue without it. */
    queue: Type.Optional(Type.String({ maxLength: 100 })),
  },
  { additionalProperties: false },
);
export const LabInjected = Type.Object({
  /** `queue` null: whoever wants its type. What is poison ends as a dead letter with `injected` set. */
  items: Type.Array(
    Type.Object({ queue: nullable(Type.String()), messageId: Type.String(), type: nullable(Type.String()) }),
  ),
});

/** Dead letters of one service: `GET /dead-letters` and `POST /dead-letters/replay` (operator, outside the lab as well). */
export const DeadLetters = Type.Object({
  items: Type.Array(
    Type.Object({
      queue: Type.String(),
      messageId: nullable(Type.String()),
      type: nullable(Type.String()),
      attempts: Count,
      reason: nullable(Type.String()),
      /** Put there on purpose, by a lab. */
      injected: Type.Boolean(),
      body: Type.Unknown(),
    }),
  ),
  /** All that lie there, listed or not. */
  total: Count,
});
export type DeadLetters = Static<typeof DeadLetters>;
export const ReplayDeadLetters = Type.Object(
  {
    /** Only these; all of them without it. */
    messageIds: Type.Optional(Type.Array(Type.String({ maxLength: 100 }), { minItems: 1, maxItems: 100 })),
  },
  { additionalProperties: false },
);
export const ReplayedDeadLetters = Type.Object({ replayed: Count, left: Count });
