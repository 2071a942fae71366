/** One process of the mesh, looked at once a second: whether it is ready, and what its metrics say. */
import { WirePage, type LiveNode } from '@ballast/contracts';
import { Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { bodyOf, messageOf, type Asker } from '../clients/http.ts';
import type { MeshInstance } from '../state.ts';
import { createFigures, noFigures, type Figures } from './figures.ts';

/** A service asks what it needs for up to 800 ms before it says that it is not ready. */
const readyTimeoutMs = 1_300;
const metricsTimeoutMs = 800;
const wireTimeoutMs = 800;

const readinessCheck = Compile(Type.Object({ failing: Type.Record(Type.String(), Type.String()) }));
const wireCheck = Compile(WirePage);

export interface WatchedInstance {
  readonly instance: MeshInstance;
  /** Looks at it; at most one look at a time, further calls do nothing meanwhile. */
  look(): Promise<void>;
  /** Its calls since the last time; null where they could not be had, or are still being asked for. */
  calls(authorization: string): Promise<WirePage | null>;
  node(): LiveNode;
  figures(): Figures;
  /** Nothing is known any more: nobody has looked for long. */
  forget(): void;
}

export function watchInstance(instance: MeshInstance, asker: Asker): WatchedInstance {
  let state: Pick<LiveNode, 'state' | 'failing'> = { state: 'unknown', failing: {} };
  let figures: Figures = noFigures;
  let read = createFigures();
  let seen: number | undefined;
  let [looking, asking] = [false, false];

  const lookAtReadiness = async (): Promise<void> => {
    try {
      const answer = await asker.ask({ url: `${instance.url}${readyPath(instance)}`, timeoutMs: readyTimeoutMs });
      if (answer.status === 200) state = { state: 'ready', failing: {} };
      else if (instance.kind === 'service')
        state = { state: 'not-ready', failing: bodyOf(instance.name, answer, readinessCheck).failing };
      else state = { state: 'not-ready', failing: { process: complaintOf(instance, answer.status) } };
    } catch (error) {
      state = { state: 'unreachable', failing: { process: messageOf(error) } };
    }
  };
  const lookAtMetrics = async (): Promise<void> => {
    const at = performance.now();
    try {
      const { status, text } = await asker.ask({ url: `${instance.url}/metrics`, timeoutMs: metricsTimeoutMs });
      figures = status === 200 ? read(text, at) : noFigures;
    } catch {
      figures = noFigures;
    }
  };

  return {
    instance,
    look: async () => {
      if (looking) return;
      looking = true;
      await Promise.all([lookAtReadiness(), instance.kind === 'service' ? lookAtMetrics() : undefined]);
      looking = false;
    },
    calls: async (authorization) => {
      if (asking || instance.kind !== 'service') return null;
      asking = true;
      try {
        const query = seen === undefined ? '' : `?after=${seen}`;
        const url = `${instance.url}/lab/wire${query}`;
        const answer = await asker.ask({ url, headers: { authorization }, timeoutMs: wireTimeoutMs });
        const page = bodyOf(instance.name, answer, wireCheck);
        seen = page.seq;
        return page;
      } catch {
        // It is shown as not reachable or not ready by the other look; its calls come later, or are counted as missed.
        return null;
      } finally {
        asking = false;
      }
    },
    node: () => {
      const { breakers: _, ...shown } = figures;
      return { name: instance.name, service: instance.service, kind: instance.kind, ...state, ...shown };
    },
    figures: () => figures,
    forget: () => {
      state = { state: 'unknown', failing: {} };
      figures = noFigures;
      read = createFigures();
      seen = undefined;
    },
  };
}

/** What a stand-in's status says; Vault's health is 503 while it is sealed. */
function complaintOf({ service }: MeshInstance, status: number): string {
  return service === 'vault' && status === 503 ? 'sealed' : `status ${status}`;
}

function readyPath({ kind, service }: MeshInstance): string {
  if (kind === 'service') return '/readyz';
  return service === 'vault' ? '/v1/sys/health' : '/healthz';
}
