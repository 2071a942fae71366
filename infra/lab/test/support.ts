/** What the lab's tests share: throw-away folders, fixture components, and looking at what a lab left behind. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Component, type ComponentSpec, httpProbe, localUrl } from '../src/component.ts';
import type { LabEvent } from '../src/events.ts';
import { prometheusOffset } from '../src/metrics-server.ts';
import { nodeBinary, repositoryRoot } from '../src/paths.ts';
import { plainEnvironment } from '../src/parts/part.ts';
import { findFreePorts, isPortFree } from '../src/ports.ts';
import { partOffsets, type ServiceDefinition, type Topology, type TopologyContext } from '../src/topology.ts';
import { vaultOffset } from '../src/vault.ts';

export const fixture: string = join(import.meta.dirname, 'fixtures', 'service.ts');

const folders: string[] = [];
// At the very end: what a test stops in its own clean-up still writes there.
process.on('exit', () => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** A new folder below `.lab`, removed when the test file ends. */
export function temporaryFolder(): string {
  mkdirSync(join(repositoryRoot, '.lab'), { recursive: true });
  const folder = mkdtempSync(join(repositoryRoot, '.lab', 'lab-test-'));
  folders.push(folder);
  return folder;
}

/** A supervised fixture service and everything it said; stopped when the test ends. */
export async function fixtureComponent(
  test: { after: (work: () => Promise<void> | void) => void },
  environment: Record<string, string> = {},
  changes: Partial<ComponentSpec> = {},
): Promise<{ component: Component; events: LabEvent[]; folder: string; url: string }> {
  const folder = temporaryFolder();
  const port = changes.port ?? (await findFreePorts(1));
  const events: LabEvent[] = [];
  const component = new Component(
    {
      name: 'fixture',
      kind: 'service',
      port,
      address: localUrl(port),
      command: nodeBinary,
      arguments: [fixture],
      workingDirectory: repositoryRoot,
      environment: { ...plainEnvironment(process.env), PORT: String(port), ...environment },
      stopSignal: 'SIGTERM',
      stopTimeout: 5000,
      readyTimeout: 30_000,
      probe: httpProbe(`${localUrl(port)}/readyz`),
      ...changes,
    },
    folder,
    join(folder, 'logs'),
    { onEvent: (event) => events.push(event), onChange: () => undefined },
  );
  test.after(async () => {
    await component.stop();
    component.close();
  });
  return { component, events, folder, url: localUrl(port) };
}

/** A mesh of fixture services called `first` and `second`, which need the parts named. */
export function fixtureTopology(
  dependsOn: readonly string[],
  environment: Record<string, string> = {},
): (context: TopologyContext) => Topology {
  return ({ portBase }) => {
    const service = (name: string, port: number, more: readonly string[]): ServiceDefinition => ({
      name,
      kind: 'service',
      entry: fixture,
      port,
      readyPath: '/readyz',
      dependsOn: [...dependsOn, ...more],
      environment: { PORT: String(port), ...environment },
    });
    return {
      services: [service('first', portBase, []), service('second', portBase + 1, ['first'])],
      urls: { shop: localUrl(portBase) },
      standIns: ['Stripe: a fixture'],
    };
  };
}

/** A first port from which a whole mesh finds its ports free. */
export async function findPortBase(): Promise<number> {
  for (;;) {
    const base = await findFreePorts(20);
    const { rabbitmq } = partOffsets;
    const parts = [...Object.values(partOffsets), rabbitmq + 1, rabbitmq + 2, vaultOffset, prometheusOffset];
    const free = await Promise.all(parts.map(async (offset) => await isPortFree(base + offset)));
    if (free.every(Boolean)) return base;
  }
}

/** What the fixture service at `url` has in its environment. */
export async function environmentAt(url: string): Promise<Record<string, string>> {
  const response = await fetch(`${url}/environment`, { signal: AbortSignal.timeout(10_000) });
  return (await response.json()) as Record<string, string>;
}
