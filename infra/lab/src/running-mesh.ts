/** The mesh while it runs: which component is started after which, hurt, and stopped. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import {
  auditorRole,
  chaosRole,
  databaseName,
  loginRole,
  schemaOwners,
  vaultAdministrator,
} from '../../postgres/bootstrap.ts';
import { Component, type ComponentReport, type ComponentSpec, httpProbe, localUrl } from './component.ts';
import { dockerAnswers, type DockerParts, dockerParts } from './docker.ts';
import type { OnEvent } from './events.ts';
import type { Mesh, MeshOptions } from './mesh-options.ts';
import { MetricsServer } from './metrics-server.ts';
import { type BundledPackages, bundlePackages, packagesAreBundled } from './packages/bundle.ts';
import { type LabPaths, nodeBinary, repositoryRoot } from './paths.ts';
import { prepareDatabase, requireReachable, telling } from './parts/outside.ts';
import { labPartUrls, type PartName, partNames, partVariables, plainEnvironment } from './parts/part.ts';
import { choosePartSources, type PartSource, prepareNativePart, withoutSecrets } from './parts/parts.ts';
import { type BrokerControl, brokerControl, rabbitmqPorts } from './parts/rabbitmq.ts';
import { requireFreePort } from './ports.ts';
import { startTimeOf } from './process-table.ts';
import { LabProblem } from './problem.ts';
import { loadSecrets, type Secrets } from './secrets.ts';
import { forget, writeState } from './state-file.ts';
import { buildStorefront, storefrontIsStale } from './storefront.ts';
import { ballastTopology, partOffsets, type ServiceDefinition, type Topology } from './topology.ts';
import { prepareVault, type VaultPlan } from './vault.ts';

const serviceStopTimeout = 10_000;
const serviceReadyTimeout = 60_000;
const defaultWait = 60_000;

/** Everything of one mesh. `prepare` makes it, `start` brings it up, `face` is what callers get. */
export class RunningMesh {
  readonly #options: MeshOptions;
  readonly #paths: LabPaths;
  readonly #secrets: Secrets;
  readonly #ports: Record<PartName, number>;
  readonly #sources: Record<PartName, PartSource>;
  readonly #partUrls: Record<PartName, string>;
  readonly #topology: Topology;
  readonly #definitions: readonly ServiceDefinition[];
  readonly #parts: readonly PartName[];
  readonly #vault: VaultPlan | undefined;
  readonly #metrics: MetricsServer;
  readonly #docker: DockerParts;
  readonly #onEvent: OnEvent;
  readonly #components = new Map<string, Component>();
  #brokerControl: BrokerControl | undefined;
  #packages: Promise<BundledPackages> | undefined;
  readonly #startedAt = new Date().toISOString();
  #stopping: Promise<void> | undefined;

  private constructor(options: MeshOptions, paths: LabPaths, sources: Record<PartName, PartSource>) {
    const environment = options.environment ?? process.env;
    this.#options = options;
    this.#paths = paths;
    this.#sources = sources;
    this.#onEvent = options.onEvent ?? (() => undefined);
    this.#secrets = loadSecrets(paths.secrets, {
      postgresRoles: [...schemaOwners.map(loginRole), vaultAdministrator, auditorRole, chaosRole],
      vaultSecretIds: schemaOwners,
    });
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
      parts: options.parts ?? 'auto',
      dataDirectory: paths.root,
      secrets: this.#secrets,
      partUrls: this.#partUrls,
      environment,
    });
    this.#definitions = chosen(this.#topology.services, options.only);
    this.#parts = partNames.filter((part) => this.#isNeeded(part));
    const { vault } = this.#topology;
    this.#vault = vault !== undefined && this.#isNeeded('vault') ? vault : undefined;
    const { only } = options;
    this.#metrics = new MetricsServer({
      // A mesh of a few services has one only where it is asked for.
      plan: only === undefined || only.includes('prometheus') ? this.#topology.metrics : undefined,
      services: this.#definitions,
      dataDirectory: paths.root,
      onEvent: this.#onEvent,
      add: (spec) => this.#add(spec),
      remove: () => this.#remove('prometheus'),
      isStopping: () => this.#stopping !== undefined,
    });
    this.#requireKnown(Object.keys(options.serviceEnvironment ?? {}));
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
    this.#metrics.begin([...begun.values()]);
    if (this.#isNeeded('storefront')) begun.set('storefront', this.#build());
    if (this.#vault !== undefined) begun.set('vault', this.#startVault(this.#vault, begun.get('postgres')));
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
    const pages = (): Record<string, string> => this.#metrics.pages(this.#topology.urls);
    return {
      urls: Object.fromEntries(this.#definitions.map(({ name, port }) => [name, localUrl(port)])),
      get pages() {
        return pages();
      },
      standIns: this.#topology.standIns,
      services: this.#definitions.map(({ name }) => name),
      ...(this.#vault === undefined
        ? {}
        : {
            vault: {
              address: this.#vault.address,
              token: this.#vault.token,
              isStandIn: this.#vault.standIn !== undefined,
            },
          }),
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
        if (names?.includes('prometheus') === true) await this.#metrics.begun;
        const waited = names ?? [...this.#components.keys()];
        await Promise.all(waited.map(async (name) => await this.#component(name).waitUntilReady(timeout)));
      },
      status: () => this.#reports(),
      stop: async () => await this.stop(),
    };
  }

  async #stop(): Promise<void> {
    await this.stopComponents();
    await this.#metrics.begun;
    if (this.#parts.some((part) => this.#inDocker(part))) await this.#docker.down(false);
    for (const component of this.#components.values()) component.close();
    forget(this.#paths);
  }

  async #startPart(part: PartName): Promise<void> {
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
      if (part === 'rabbitmq') this.#brokerControl = brokerControl(spec);
      await this.#add(spec).start();
    } else {
      const address = `${withoutSecrets(this.#partUrls[part])} (${source})`;
      await telling(this.#onEvent, { component: part, kind: 'part', address }, async () => {
        if (source === 'docker') await this.#docker.up([part]);
        if (source === 'docker' && part === 'rabbitmq') this.#brokerControl = this.#docker.brokerControl();
        await requireReachable(part, this.#partUrls[part]);
      });
    }
    if (part === 'postgres') await prepareDatabase(this.#partUrls.postgres, this.#secrets);
  }

  /** The stand-in is a process like a service; a real Vault is there already. Both are prepared alike. */
  async #startVault(plan: VaultPlan, database: Promise<void> | undefined): Promise<void> {
    if (plan.standIn === undefined) {
      await database;
      const vault = { component: 'vault', kind: 'part', address: `${plan.address} (external)` } as const;
      await telling(this.#onEvent, vault, async () => await prepareVault(plan));
      return;
    }
    await this.#startService(plan.standIn, database === undefined ? [] : [database]);
    if (this.#stopping === undefined) await prepareVault(plan);
  }

  async #startService(definition: ServiceDefinition, needs: readonly Promise<void>[]): Promise<void> {
    this.#packages ??= this.#bundlePackages();
    const [packages] = await Promise.all([this.#packages, ...needs]);
    if (this.#stopping !== undefined) return;
    await this.#add(this.#serviceSpec(definition, packages)).start();
  }

  #serviceSpec(definition: ServiceDefinition, packages: BundledPackages): ComponentSpec {
    return {
      name: definition.name,
      kind: definition.kind,
      port: definition.port,
      ...(definition.morePorts === undefined ? {} : { morePorts: definition.morePorts }),
      address: localUrl(definition.port),
      command: nodeBinary,
      arguments: [...packages.arguments, resolve(repositoryRoot, definition.entry)],
      workingDirectory: repositoryRoot,
      environment: {
        NODE_COMPILE_CACHE: join(this.#paths.root, 'compile-cache'),
        ...plainEnvironment(this.#options.environment ?? process.env),
        ...packages.environment,
        ...definition.environment,
        ...(definition.controlsBroker === true && this.#brokerControl !== undefined
          ? { BROKER_CONTROL: JSON.stringify(this.#brokerControl) }
          : {}),
        ...this.#options.env,
        ...this.#options.serviceEnvironment?.[definition.name],
      },
      stopSignal: 'SIGTERM',
      stopTimeout: serviceStopTimeout,
      readyTimeout: serviceReadyTimeout,
      probe: httpProbe(`${localUrl(definition.port)}${definition.readyPath}`),
      beforeStart: async () => writeFiles(definition.files ?? {}),
    };
  }

  async #bundlePackages(): Promise<BundledPackages> {
    if (packagesAreBundled()) return await bundlePackages();
    const packages = { component: 'packages', kind: 'build', address: 'node_modules/.cache' } as const;
    return await telling(this.#onEvent, packages, bundlePackages);
  }

  async #build(): Promise<void> {
    if (!storefrontIsStale()) return;
    const pages = { component: 'storefront', kind: 'build', address: 'apps/storefront/dist' } as const;
    await telling(this.#onEvent, pages, buildStorefront);
  }

  async #requirePorts(): Promise<void> {
    for (const part of this.#parts.filter((name) => this.#sources[name] === 'native')) {
      const more = part === 'rabbitmq' ? Object.values(rabbitmqPorts) : [];
      for (const offset of [0, ...more]) await requireFreePort(part, this.#ports[part] + offset);
    }
    if (this.#metrics.port !== undefined) await requireFreePort('prometheus', this.#metrics.port);
    for (const { name, port, morePorts = [] } of this.#processes()) {
      for (const each of [port, ...morePorts]) await requireFreePort(name, each);
    }
  }

  /** Every process of ours, stand-ins included. */
  #processes(): readonly ServiceDefinition[] {
    return [...(this.#vault?.standIn === undefined ? [] : [this.#vault.standIn]), ...this.#definitions];
  }

  #isNeeded(name: string): boolean {
    return this.#definitions.some((definition) => definition.dependsOn.includes(name));
  }

  #requireKnown(names: readonly string[]): void {
    const known = this.#processes().map(({ name }) => name);
    const unknown = names.find((name) => !known.includes(name));
    if (unknown === undefined) return;
    throw new LabProblem('lab', `This lab runs no service called "${unknown}"; there are ${known.join(', ')}.`);
  }

  #add(spec: ComponentSpec): Component {
    const component = new Component(spec, this.#paths.root, this.#paths.logs, {
      onEvent: this.#onEvent,
      onChange: () => this.#record(),
    });
    this.#components.set(spec.name, component);
    return component;
  }

  #remove(name: string): void {
    this.#components.get(name)?.close();
    this.#components.delete(name);
    this.#record();
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
      urls: this.#metrics.pages(this.#topology.urls),
      standIns: [...this.#topology.standIns],
      components: this.#reports(),
    });
  }
}

/** Those named, or all; and whatever carries their lines. */
function chosen(all: readonly ServiceDefinition[], only: readonly string[] | undefined): ServiceDefinition[] {
  const isNamed = ({ name }: ServiceDefinition): boolean => only === undefined || only.includes(name);
  const linked = all.some((definition) => isNamed(definition) && definition.dependsOn.includes('toxiproxy'));
  return all.filter((definition) => isNamed(definition) || (linked && definition.name === 'toxiproxy'));
}

function writeFiles(files: Readonly<Record<string, string>>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text, { mode: 0o600 });
  }
}
