/** What a controller that was killed has left broken is mended at the next start. Fail points and Redis end by themselves. */
import type { Control, Fault } from '@ballast/contracts';
import type { Report } from '@ballast/service';
import { codeOf } from '../clients/http.ts';
import type { Mesh } from '../clients/mesh.ts';
import type { Toxiproxy } from '../clients/toxiproxy.ts';
import type { MeshInstance } from '../state.ts';
import type { Faults } from './engine.ts';
import { pause } from './lever.ts';
import { toxicPrefix } from './links.ts';
import type { PartControls } from './parts.ts';

export interface CleanupParts {
  faults: Faults;
  mesh: Mesh;
  toxiproxy: Toxiproxy | null;
  controls: PartControls;
  negativeControls: readonly Control[];
  report: Report;
}

const firstAgainMs = 250;
const longestAgainMs = 5_000;

/**
 * Mends everything, each thing again and again until it has worked or `signal` aborts. Faults injected meanwhile are left
 * alone. Resolves when all is done.
 */
export async function cleanUp(parts: CleanupParts, signal: AbortSignal): Promise<void> {
  const { report } = parts;
  await Promise.all(
    Object.entries(tasks).map(async ([what, task]) => {
      for (let restMs = firstAgainMs; !signal.aborted; restMs = Math.min(restMs * 2, longestAgainMs)) {
        try {
          await task(parts);
          return;
        } catch (error) {
          report(`what an earlier run has left cannot be mended yet: ${what}`, error);
          await pause(restMs, signal);
        }
      }
    }),
  );
}

/** Whether a fault of this run is at it: then it is not left over. */
const inUse = ({ faults }: CleanupParts, action: string): boolean =>
  faults
    .list()
    .some(({ state, request }) => state === 'active' && request.kind === 'part' && request.action === action);

/** A process that is not there has taken its defects along, and the one after it begins without. */
async function plantedAt(mesh: Mesh, instance: MeshInstance): Promise<readonly string[]> {
  try {
    return (await mesh.faults(instance)).defects;
  } catch (error) {
    if (codeOf(error) === 'ECONNREFUSED') return [];
    throw error;
  }
}

const tasks: Readonly<Record<string, (parts: CleanupParts) => Promise<void>>> = {
  links: async ({ toxiproxy, faults }) => {
    if (toxiproxy === null) return;
    const active = (): Fault[] =>
      faults.list().filter(({ state, request }) => state === 'active' && request.kind === 'link');
    // What is there is asked before what is active: a fault is listed before it puts anything there.
    for (const proxy of Object.values(await toxiproxy.proxies())) {
      const ours = new Set(active().map(({ id }) => toxicPrefix + id));
      for (const { name } of proxy.toxics) {
        if (name.startsWith(toxicPrefix) && !ours.has(name)) await toxiproxy.remove(proxy.name, name);
      }
      const isCut = active().some(({ links }) => links.includes(proxy.name.replace('.', '>')));
      if (!proxy.enabled && !isCut) await toxiproxy.enable(proxy.name, true);
    }
  },
  'the memory alarm': async (parts) => {
    const { broker } = parts.controls;
    if (typeof broker === 'string') return;
    if ((await broker.hasAlarm()) && !inUse(parts, 'rabbitmq.memory-alarm')) await broker.endAlarm();
  },
  vault: async (parts) => {
    const { vault } = parts.controls;
    if (typeof vault === 'string' || !vault.canUnseal) return;
    if ((await vault.isSealed()) && !inUse(parts, 'vault.seal')) await vault.unseal();
  },
  'negative controls': async ({ mesh, negativeControls, faults }) => {
    const plantedBy = (controls: readonly Control[], { name }: MeshInstance): Set<string> =>
      new Set(
        controls
          .flatMap(({ plants }) => plants)
          .filter(({ instance }) => instance === name)
          .map(({ defect }) => defect),
      );
    await Promise.all(
      mesh.instances.map(async (instance) => {
        const known = plantedBy(negativeControls, instance);
        if (known.size === 0) return;
        const defects = await plantedAt(mesh, instance);
        const active = faults.list().flatMap(({ state, request }) => (state === 'active' ? [request] : []));
        const isActive = ({ control }: Control): boolean =>
          active.some((request) => request.kind === 'control' && request.control === control);
        const used = plantedBy(negativeControls.filter(isActive), instance);
        for (const defect of defects) if (known.has(defect) && !used.has(defect)) await mesh.remove(instance, defect);
      }),
    );
  },
};
