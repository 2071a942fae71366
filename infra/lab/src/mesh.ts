/**
 * Runs the mesh: parts, stand-ins and services as one thing that can be started, hurt and stopped.
 * `npm start`, the whole-mesh tests and the fault campaign all use this and nothing else.
 */
import { mkdirSync, rmSync } from 'node:fs';
import { resolve } from 'node:path';
import { bootstrapDatabase, databaseName, loginRole, schemaOwners } from '../../postgres/bootstrap.ts';
import { Component, type ComponentReport, type ComponentSpec, httpProbe, localUrl } from './component.ts';
import { dockerAnswers, type DockerParts, dockerParts } from './docker.ts';
import type { OnEvent } from './events.ts';
import { endLeftovers } from './leftovers.ts';
import { type LabPaths, labPaths, nodeBinary, repositoryRoot } from './paths.ts';
import { labPartUrls, type PartName, partNames, partVariables, plainEnvironment } from './parts/part.ts';
import {
  choosePartSources,
  type PartChoice,
  type PartSource,
  prepareNativePart,
  withoutSecrets,
} from './parts/parts.ts';
import { rabbitmqPorts } from './parts/rabbitmq.ts';
import { accepts, requireFreePort } from './ports.ts';
import { startTimeOf } from './process-table.ts';
import { describe, LabProblem } from './problem.ts';
import { loadSecrets, type Secrets } from './secrets.ts';
import { forget, readState, runningSupervisor, takeLock, writeState } from './state-file.ts';
import { buildStorefront, storefrontIsStale } from './storefront.ts';
import {
  ballastTopology,
  partOffsets,
  type Profile,
  type ServiceDefinition,
  type Topology,
  type TopologyContext,
} from './topology.ts';

/** Options of {@link startMesh}. */
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

/** A running mesh. Names are those of topology.ts, such as `catalog-1`, and parts count as components too. */
export type Mesh = {
  /** The URL of every service and stand-in by name. */
  urls: Readonly<Record<string, string>>;
  /** The shop and other pages for a person. */
  pages: Readonly<Record<string, string>>;
  standIns: readonly string[];
  services: readonly string[];
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

const serviceStopTimeout = 10_000;
const serviceReadyTimeout = 60_000;
const defaultWait = 60_000;

/**
 * Starts the mesh and resolves when everything in it is ready.
 * @throws LabProblem, after stopping what was started, when something cannot be had or started.
 */
export async function startMesh(options: MeshOptions): Promise<Mesh> {
  const paths = labPaths(options.dataDirectory);
  if (!takeLock(paths)) throw alreadyRunning(paths);
  let mesh: RunningMesh | undefined;
  try {
    await endLeftovers(paths);
    mesh = await RunningMesh.prepare(options, paths);
    await mesh.start();
    return mesh.face();
  } catch (error) {
    await mesh?.stop();
    forget(paths);
    throw error;
  }
}

function alreadyRunning(paths: LabPaths): LabProblem {
  const state = readState(paths);
  const where = Object.values(state?.urls ?? {})[0];
  const pid = runningSupervisor(paths)?.pid;
  return new LabProblem(
    'lab',
    `Ballast is already running${where === undefined ? '' : ` at ${where}`}${pid === undefined ? '' : ` (process ${pid})`}; stop it with "npm run stop", or see what runs with "npm run status".`,
  );
}

class RunningMesh {
  readonly #options: MeshOptions;
  readonly #paths: LabPaths;
  readonly #secrets: Secrets;
  readonly #ports: Record<PartName, number>;
  readonly #sources: Record<PartName, PartSource>;
  readonly #partUrls: Record<PartName, string>;
  readonly #topology: Topology;
  readonly #definitions: readonly ServiceDefinition[];
  readonly #parts: readonly PartName[];
  readonly #docker: DockerParts;
  readonly #onEvent: OnEvent;
  readonly #components = new Map<string, Component>();
  readonly #startedAt = new Date().toISOString();
  #stopping: Promise<void> | undefined;

  private constructor(options: MeshOptions, paths: LabPaths, sources: Record<PartName, PartSource>) {
    const environment = options.environment ?? process.env;
    this.#options = options;
    this.#paths = paths;
    this.#sources = sources;
    this.#onEvent = options.onEvent ?? (() => undefined);
    this.#secrets = loadSecrets(paths.secrets, schemaOwners.map(loginRole));
    this.#ports = {
      postgres: options.portBase + partOffsets.postgres,
      redis: options.portBase + partOffsets.redis,
      rabbitmq: options.portBase + partOffsets.rabbitmq,
    };
    this.#docker = dockerParts(options.portBase, this.#ports, this.#secrets);
    const own = labPartUrls(this.#ports, this.#secrets);
    const url = (part: PartName): string =>
      sources[part] === 'external' ? (environment[partVariables[part].url] ?? '') : own[part];
    this.#partUrls = { postgres: url('postgres'), redis: url('redis'), rabbitmq: url('rabbitmq') };
    this.#topology = (options.topology ?? ballastTopology)({
      portBase: options.portBase,
      profile: options.profile ?? 'full',
      dataDirectory: paths.root,
      secrets: this.#secrets,
      partUrls: this.#partUrls,
      environment,
    });
    const { only } = options;
    this.#definitions = this.#topology.services.filter(
      (definition) => only === undefined || only.includes(definition.name),
    );
    this.#parts = partNames.filter((part) =>
      this.#definitions.some((definition) => definition.dependsOn.includes(part)),
    );
  }

  static async prepare(options: MeshOptions, paths: LabPaths): Promise<RunningMesh> {
    const sources = await choosePartSources(options.parts ?? 'auto', options.environment ?? process.env, dockerAnswers);
    const mesh = new RunningMesh(options, paths, sources);
    if (options.fresh === true) {
      rmSync(paths.data, { recursive: true, force: true });
      if (Object.values(sources).includes('docker')) await mesh.#docker.down(true);
    }
    mkdirSync(paths.data, { recursive: true });
    await mesh.#requirePorts();
    return mesh;
  }

  async start(): Promise<void> {
    this.#record();
    const begun = new Map<string, Promise<void>>();
    for (const part of this.#parts) begun.set(part, this.#startPart(part));
    if (this.#definitions.some((definition) => definition.dependsOn.includes('storefront'))) {
      begun.set('storefront', this.#build());
    }
    for (const definition of this.#definitions) {
      // In the order of the topology, where what is depended on comes first.
      const needs = definition.dependsOn.map((name) => begun.get(name)).filter((need) => need !== undefined);
      begun.set(definition.name, this.#startService(definition, needs));
    }
    const { promise: aborted, reject } = Promise.withResolvers<never>();
    const giveUp = (): void => reject(new LabProblem('lab', 'The start was interrupted.'));
    this.#options.signal?.addEventListener('abort', giveUp);
    if (this.#options.signal?.aborted === true) giveUp();
    try {
      await Promise.race([Promise.all(begun.values()), aborted]);
    } catch (error) {
      await this.stop();
      // Nothing may still be starting when the caller hears of it.
      await Promise.allSettled(begun.values());
      await this.stopComponents();
      throw error;
    } finally {
      this.#options.signal?.removeEventListener('abort', giveUp);
    }
  }

  async stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    await this.#stopping;
  }

  async stopComponents(): Promise<void> {
    for (const kind of ['service', 'stand-in', 'part']) {
      const group = [...this.#components.values()].filter((component) => component.spec.kind === kind);
      await Promise.all(group.map(async (component) => await component.stop()));
    }
  }

  /** The object callers get. */
  face(): Mesh {
    const database = new URL(this.#partUrls.postgres);
    database.pathname = `/${databaseName}`;
    return {
      urls: Object.fromEntries(this.#definitions.map(({ name, port }) => [name, localUrl(port)])),
      pages: this.#topology.urls,
      standIns: this.#topology.standIns,
      services: this.#definitions.map(({ name }) => name),
      partUrls: this.#partUrls,
      databaseUrl: database.href,
      restart: async (name, { env, signal } = {}) =>
        await this.#component(name).restart({
          ...(env === undefined ? {} : { environment: env }),
          ...(signal === undefined ? {} : { signal }),
        }),
      kill: async (name, signal = 'SIGKILL') => await this.#component(name).kill(signal),
      pause: async (name) => (this.#inDocker(name) ? await this.#docker.pause(name) : this.#component(name).pause()),
      resume: async (name) => (this.#inDocker(name) ? await this.#docker.resume(name) : this.#component(name).resume()),
      stopService: async (name, signal) => await this.#component(name).stop(signal),
      startService: async (name, { env } = {}) => await this.#component(name).start(env),
      restartPart: async (part, { signal } = {}) =>
        this.#inDocker(part)
          ? await this.#docker.restart(part, signal)
          : await this.#component(part).restart(signal === undefined ? {} : { signal }),
      waitUntilReady: async (names, timeout = defaultWait) => {
        const waited = names ?? [...this.#components.keys()];
        await Promise.all(waited.map(async (name) => await this.#component(name).waitUntilReady(timeout)));
      },
      status: () => this.#reports(),
      stop: async () => await this.stop(),
    };
  }

  async #stop(): Promise<void> {
    await this.stopComponents();
    if (this.#parts.some((part) => this.#inDocker(part))) await this.#docker.down(false);
    for (const component of this.#components.values()) component.close();
    forget(this.#paths);
  }

  async #startPart(part: PartName): Promise<void> {
    const started = performance.now();
    const source = this.#sources[part];
    if (source === 'native') {
      const spec = await prepareNativePart(part, {
        dataDirectory: this.#paths.root,
        ports: this.#ports,
        secrets: this.#secrets,
        disposable: this.#options.disposable ?? false,
        onProgress: (component, message) => this.#onEvent({ type: 'progress', component, message }),
      });
      if (this.#stopping !== undefined) return;
      await this.#add(spec).start();
    } else {
      const address = withoutSecrets(this.#partUrls[part]);
      const tell = (state: 'starting' | 'ready'): void =>
        this.#onEvent({
          type: 'state',
          component: part,
          kind: 'part',
          state,
          seconds: (performance.now() - started) / 1000,
          address: `${address} (${source})`,
        });
      tell('starting');
      if (source === 'docker') await this.#docker.up([part]);
      await this.#requireReachable(part);
      tell('ready');
    }
    if (part === 'postgres') await this.#bootstrap();
  }

  async #bootstrap(): Promise<void> {
    try {
      await bootstrapDatabase(this.#partUrls.postgres, this.#secrets.postgresRoles);
    } catch (error) {
      throw new LabProblem(
        'postgres',
        `PostgreSQL at ${withoutSecrets(this.#partUrls.postgres)} could not be prepared for the mesh: ${describe(error)}; it needs an administrator who may create databases and roles. In the lab, "npm start -- --fresh" starts on empty data.`,
        { cause: error },
      );
    }
  }

  async #startService(definition: ServiceDefinition, needs: readonly Promise<void>[]): Promise<void> {
    await Promise.all(needs);
    if (this.#stopping !== undefined) return;
    await this.#add(this.#serviceSpec(definition)).start();
  }

  #serviceSpec(definition: ServiceDefinition): ComponentSpec {
    return {
      name: definition.name,
      kind: definition.kind,
      port: definition.port,
      address: localUrl(definition.port),
      command: nodeBinary,
      arguments: [resolve(repositoryRoot, definition.entry)],
      workingDirectory: repositoryRoot,
      environment: {
        ...plainEnvironment(this.#options.environment ?? process.env),
        ...definition.environment,
        ...this.#options.env,
      },
      stopSignal: 'SIGTERM',
      stopTimeout: serviceStopTimeout,
      readyTimeout: serviceReadyTimeout,
      probe: httpProbe(`${localUrl(definition.port)}${definition.readyPath}`),
    };
  }

  async #build(): Promise<void> {
    if (!storefrontIsStale()) return;
    const started = performance.now();
    const tell = (state: 'starting' | 'ready'): void =>
      this.#onEvent({
        type: 'state',
        component: 'storefront',
        kind: 'build',
        state,
        seconds: (performance.now() - started) / 1000,
        address: 'apps/storefront/dist',
      });
    tell('starting');
    await buildStorefront();
    tell('ready');
  }

  async #requirePorts(): Promise<void> {
    for (const part of this.#parts.filter((name) => this.#sources[name] === 'native')) {
      const more = part === 'rabbitmq' ? Object.values(rabbitmqPorts) : [];
      for (const offset of [0, ...more]) await requireFreePort(part, this.#ports[part] + offset);
    }
    for (const { name, port } of this.#definitions) await requireFreePort(name, port);
  }

  async #requireReachable(part: PartName): Promise<void> {
    const variable = partVariables[part].url;
    const url = URL.parse(this.#partUrls[part]);
    const standardPorts: Record<PartName, number> = { postgres: 5432, redis: 6379, rabbitmq: 5672 };
    const address = withoutSecrets(this.#partUrls[part]);
    if (url !== null && (await accepts(url.hostname, Number(url.port) || standardPorts[part], 5000))) return;
    throw new LabProblem(
      part,
      `${part} at ${address} did not accept a connection within 5 s; start it there, correct ${variable}, or unset ${variable} to have the lab start its own.`,
    );
  }

  #add(spec: ComponentSpec): Component {
    const component = new Component(spec, this.#paths.root, this.#paths.logs, {
      onEvent: this.#onEvent,
      onChange: () => this.#record(),
    });
    this.#components.set(spec.name, component);
    return component;
  }

  #component(name: string): Component {
    const component = this.#components.get(name);
    if (component !== undefined) return component;
    const known = [...this.#components.keys()].join(', ');
    throw new LabProblem('lab', `This lab runs no process called "${name}"; there are ${known}.`);
  }

  #inDocker(name: string): name is PartName {
    return partNames.some((part) => part === name && this.#sources[part] === 'docker');
  }

  #reports(): ComponentReport[] {
    return [...this.#components.values()].map((component) => component.describe());
  }

  #record(): void {
    writeState(this.#paths, {
      version: 1,
      supervisor: { pid: process.pid, startTime: startTimeOf(process.pid) ?? '' },
      startedAt: this.#startedAt,
      portBase: this.#options.portBase,
      profile: this.#options.profile ?? 'full',
      parts: this.#sources,
      urls: this.#topology.urls,
      standIns: [...this.#topology.standIns],
      components: this.#reports(),
    });
  }
}
