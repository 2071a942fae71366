/** Private parts for one test run: free ports, data nobody keeps, everything gone at the end. */
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Component } from './component.ts';
import type { OnEvent } from './events.ts';
import { endLeftovers } from './leftovers.ts';
import { labPaths, repositoryRoot } from './paths.ts';
import { findFreePorts } from './ports.ts';
import { forEachPart, prepareNativePart } from './parts/parts.ts';
import { labPartUrls, partNames, type PartName, partVariables } from './parts/part.ts';
import { LabProblem } from './problem.ts';
import { lookUp, startTimeOf } from './process-table.ts';
import { loadSecrets } from './secrets.ts';
import { forget, runningSupervisor, takeLock, writeState } from './state-file.ts';

/** Options of {@link startParts}. */
export type StartPartsOptions = {
  /** Only these; default all. */
  parts?: readonly PartName[];
  /** Where data is kept, deleted at the end; default a folder of its own below `.lab`. */
  dataDirectory?: string;
  /** Flush to disk as `npm start` does, e.g. to measure; by default data nobody wants back is not worth the wait. */
  durable?: boolean;
  onEvent?: OnEvent;
};

/** Running private parts. URLs are an administrator's and hold secrets. */
export type RunningParts = {
  urls: Partial<Record<PartName, string>>;
  /** `TEST_POSTGRES_URL`, `TEST_REDIS_URL`, `TEST_AMQP_URL`, as far as they were started. */
  environment: Record<string, string>;
  /** Stops it with `signal` and starts it again; resolves when it is ready. */
  restart: (part: PartName, signal?: NodeJS.Signals) => Promise<void>;
  /** Freezes a part. */
  pause: (part: PartName) => void;
  /** Lets a frozen part go on. */
  resume: (part: PartName) => void;
  stop: () => Promise<void>;
};

const portsPerRun = 8;
let runsOfThisProcess = 0;

/** Starts private parts and waits until all are ready. @throws LabProblem after stopping what was started. */
export async function startParts(options: StartPartsOptions = {}): Promise<RunningParts> {
  await removeForgottenRuns();
  runsOfThisProcess += 1;
  const paths = labPaths(
    options.dataDirectory ?? join(repositoryRoot, '.lab', `test-${process.pid}-${runsOfThisProcess}`),
  );
  const onEvent: OnEvent = options.onEvent ?? (() => undefined);
  if (!takeLock(paths)) {
    throw new LabProblem('lab', `Parts are already running in ${paths.root}; stop those first.`);
  }
  const secrets = loadSecrets(paths.secrets, { postgresRoles: [], vaultSecretIds: [] });
  const first = await findFreePorts(portsPerRun);
  const ports = { postgres: first, redis: first + 1, rabbitmq: first + 2 };
  const components = new Map<PartName, Component>();
  const wanted = options.parts ?? partNames;
  const allUrls = labPartUrls(ports, secrets);
  const urls: Partial<Record<PartName, string>> = Object.fromEntries(wanted.map((part) => [part, allUrls[part]]));
  const record = (): void =>
    writeState(paths, {
      version: 1,
      supervisor: { pid: process.pid, startTime: startTimeOf(process.pid) ?? '' },
      startedAt: new Date().toISOString(),
      portBase: first,
      profile: 'parts',
      parts: forEachPart(() => 'native'),
      urls: {},
      standIns: [],
      components: [...components.values()].map((component) => component.describe()),
    });
  const stop = async (): Promise<void> => {
    await Promise.all([...components.values()].map(async (component) => await component.stop()));
    for (const component of components.values()) component.close();
    forget(paths);
    rmSync(paths.root, { recursive: true, force: true });
  };
  try {
    await Promise.all(
      wanted.map(async (part) => {
        const spec = await prepareNativePart(part, {
          dataDirectory: paths.root,
          ports,
          secrets,
          disposable: options.durable !== true,
          onProgress: (component, message) => onEvent({ type: 'progress', component, message }),
        });
        const component = new Component(spec, paths.root, paths.logs, {
          onEvent,
          onChange: record,
        });
        components.set(part, component);
        await component.start();
      }),
    );
  } catch (error) {
    await stop();
    throw error;
  }
  const running = (part: PartName): Component => {
    const component = components.get(part);
    if (component === undefined) throw new Error(`${part} was not started with these parts`);
    return component;
  };
  return {
    urls,
    environment: Object.fromEntries(
      partNames.flatMap((part) => {
        const url = urls[part];
        return url === undefined ? [] : [[partVariables[part].testUrl, url] as const];
      }),
    ),
    restart: async (part, signal) => await running(part).restart(signal === undefined ? {} : { signal }),
    pause: (part) => running(part).pause(),
    resume: (part) => running(part).resume(),
    stop,
  };
}

/** Ends and deletes what test runs that were killed have left. */
async function removeForgottenRuns(): Promise<void> {
  const lab = join(repositoryRoot, '.lab');
  mkdirSync(lab, { recursive: true });
  for (const entry of readdirSync(lab).filter((name) => name.startsWith('test-'))) {
    const paths = labPaths(join(lab, entry));
    // Named after the process that made it: while there is such a process, it may still be at it.
    const maker = Number(entry.split('-')[1]);
    const made = lookUp(maker);
    if ((made !== undefined && made.state !== 'Z') || runningSupervisor(paths) !== undefined) continue;
    await endLeftovers(paths);
    rmSync(paths.root, { recursive: true, force: true });
  }
}
