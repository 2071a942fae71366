/**
 * What the controller knows, in one place: whoever finds something out sets its slice, whoever shows it listens. This is
 * the seam between the parts that break, load and judge, and the live hub that tells browsers (`src/live`).
 */
import type { ExperimentState, Fault, LoadState, Verdicts } from '@ballast/contracts';
import type { HttpServer, Logger, Metrics } from '@ballast/service';
import type { JournalSecond } from './domain/seconds.ts';

export type { JournalSecond } from './domain/seconds.ts';

/** A process of the mesh: a service, a stand-in, the bff, the auditor. `url` has no slash at the end. */
export interface MeshInstance {
  /** `checkout-1` */
  name: string;
  /** `checkout` */
  service: string;
  kind: 'service' | 'stand-in';
  url: string;
}

/** A proxied connection from one to another: Toxiproxy's `<from>.<to>`. */
export interface MeshLink {
  from: string;
  to: string;
}

/** Every slice with its type. A value is replaced, never changed in place. */
export interface Slices {
  /** Newest first: all active ones, of the others the latest 200. */
  faults: readonly Fault[];
  load: LoadState;
  experiment: ExperimentState;
  /** The auditor's latest; null while it cannot be asked. */
  verdicts: Verdicts | null;
  /** The latest 60 finished seconds, oldest first. Set once a second while there is something to measure or to show. */
  seconds: readonly JournalSecond[];
  instances: readonly MeshInstance[];
  links: readonly MeshLink[];
  /** Live streams open at the hub (set by the hub): while somebody watches, the gentle probe runs. */
  watchers: number;
}
export type Slice = keyof Slices;

export interface ChaosState {
  get<Name extends Slice>(slice: Name): Slices[Name];
  /** Replaces a slice and tells its listeners, at once and in order of their coming. */
  set<Name extends Slice>(slice: Name, value: Slices[Name]): void;
  /** Calls `listener` at each change of `slice`; the function it returns stops that. A listener must not throw. */
  onChange<Name extends Slice>(slice: Name, listener: (value: Slices[Name]) => void): () => void;
}

/** A state in which nothing is broken, loaded, or known yet, except for who there is. */
export function createChaosState(instances: readonly MeshInstance[]): ChaosState {
  const slices: Slices = {
    faults: [],
    load: {
      load: { ordersPerSecond: 0, declined: 0, readsPerSecond: 0 },
      sent: 0,
      accepted: 0,
      refused: 0,
      failed: 0,
      inFlight: 0,
      skipped: 0,
    },
    experiment: {
      phase: 'idle',
      name: null,
      startedAt: null,
      elapsed: 0,
      seconds: 0,
      step: 0,
      steps: 0,
      doing: '',
      result: null,
      recording: null,
    },
    verdicts: null,
    seconds: [],
    instances,
    links: [],
    watchers: 0,
  };
  const listeners = new Map<Slice, Set<(value: never) => void>>();
  return {
    get: (slice) => slices[slice],
    set: (slice, value) => {
      slices[slice] = value;
      for (const listener of listeners.get(slice) ?? []) listener(value as never);
    },
    onChange: (slice, listener) => {
      const known = listeners.get(slice) ?? new Set();
      listeners.set(slice, known);
      known.add(listener);
      return () => known.delete(listener);
    },
  };
}

/** What the live hub is made from. All addresses without a slash at the end; null where this mesh has none. */
export interface LiveHubParts {
  state: ChaosState;
  /** The controller's own operator token as an `Authorization` value; null while it has not signed in yet. */
  authorization: () => string | null;
  auditorUrl: string | null;
  /** Toxiproxy's API. */
  toxiproxyUrl: string | null;
  /** Parts to be shown, with their own addresses, past all links: `{ name: 'postgres', url: config.POSTGRES_URL }`. */
  parts: readonly { name: string; url: string }[];
  logger: Logger;
  metrics: Metrics;
}

/** What `createLiveHub(parts: LiveHubParts): LiveHub` in `src/live/index.ts` gives back. */
export interface LiveHub {
  /** Adds `GET /live` (operators: `authentication` of the server sees to that). */
  routes(server: HttpServer): void;
  /** Begins to ask around; called once the server listens. */
  start(): void;
  /** Ends streams and timers. */
  stop(): Promise<void>;
}
