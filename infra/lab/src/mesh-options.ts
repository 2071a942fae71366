/** What a mesh is started with, and what its caller gets. */
import type { ComponentReport } from './component.ts';
import type { OnEvent } from './events.ts';
import type { PartName } from './parts/part.ts';
import type { PartChoice } from './parts/parts.ts';
import type { Profile, Topology, TopologyContext } from './topology.ts';

/** Options of `startMesh`. */
export type MeshOptions = {
  /** Where state, secrets, logs and data are kept. */
  dataDirectory: string;
  /** First port; the others are offsets from it. */
  portBase: number;
  /** Default `full`. */
  profile?: Profile;
  /** Start on empty data. Default false. */
  fresh?: boolean;
  /** How parts are had. Default `auto`. */
  parts?: PartChoice;
  /** Added to the environment of every service, at every start. */
  env?: Record<string, string>;
  /** Added to the environment of the service or stand-in of that name, at every start; stronger than `env`. */
  serviceEnvironment?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** Start only these services and what they need of the parts; default all. */
  only?: readonly string[];
  /** Parts without durability, for tests. Default false. */
  disposable?: boolean;
  /** The user's environment; default this process's. */
  environment?: NodeJS.ProcessEnv;
  /** What to run; default the mesh of this checkout. */
  topology?: (context: TopologyContext) => Topology;
  onEvent?: OnEvent;
  /** Gives up starting, after stopping what was started, when aborted. */
  signal?: AbortSignal;
};

/** A running mesh. Names are those of topology.ts, such as `catalog-1`; parts and `vault` count as components too. */
export type Mesh = {
  /** The URL of every service, and of the payment provider's stand-in, by name. */
  urls: Readonly<Record<string, string>>;
  /** The shop and other pages for a person. */
  pages: Readonly<Record<string, string>>;
  standIns: readonly string[];
  services: readonly string[];
  /** Vault with its administrator's token, a secret; absent where no service leases. */
  vault?: { address: string; token: string; isStandIn: boolean };
  /** An administrator's URLs, secrets included. */
  partUrls: Readonly<Record<PartName, string>>;
  /** An administrator's URL of the mesh's own database. */
  databaseUrl: string;
  /** Stops a component and starts it again; `env` holds for this one start only. Resolves when it is ready. */
  restart: (name: string, options?: { env?: Record<string, string>; signal?: NodeJS.Signals }) => Promise<void>;
  /** Sends a signal, SIGKILL by default, and leaves the rest to supervision; false when it was down already. */
  kill: (name: string, signal?: NodeJS.Signals) => Promise<boolean>;
  /** Freezes a component (SIGSTOP). */
  pause: (name: string) => Promise<void>;
  /** Lets a frozen component go on (SIGCONT). */
  resume: (name: string) => Promise<void>;
  /** Stops a component until {@link Mesh.startService}. */
  stopService: (name: string, signal?: NodeJS.Signals) => Promise<void>;
  startService: (name: string, options?: { env?: Record<string, string> }) => Promise<void>;
  /** Restarts a part, politely or by `signal`; resolves when it is ready. */
  restartPart: (part: PartName, options?: { signal?: NodeJS.Signals }) => Promise<void>;
  /** Resolves when the named components, or all, are ready. @throws LabProblem after `timeout` milliseconds (default 60 000). */
  waitUntilReady: (names?: readonly string[], timeout?: number) => Promise<void>;
  status: () => ComponentReport[];
  /** Stops services, then stand-ins, then parts. Safe to call more than once. */
  stop: () => Promise<void>;
};
