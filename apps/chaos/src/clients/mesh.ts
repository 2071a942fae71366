/** The mesh's processes, each by its name and past all links: what an operator may ask of them. */
import { LabFaults, type LabFault } from '@ballast/contracts';
import { Type, type Static } from 'typebox';
import { Compile } from 'typebox/compile';
import type { MeshInstance } from '../state.ts';
import { bodyOf, codeOf, messageOf, reasonOf, type Answer, type Asker } from './http.ts';
import type { Session } from './operator.ts';

const faultsCheck = Compile(LabFaults);
const readinessCheck = Compile(Type.Object({ failing: Type.Record(Type.String(), Type.String()) }));

export type ArmRequest = Static<typeof LabFault>;

/** How `/readyz` was answered. */
export type Readiness =
  | { state: 'ready' }
  | { state: 'not-ready'; failing: Record<string, string> }
  | { state: 'unreachable'; reason: string };

export interface Mesh {
  readonly instances: readonly MeshInstance[];
  find(name: string): MeshInstance | undefined;
  /** Points and planted defects of a process. */
  faults(instance: MeshInstance): Promise<Static<typeof LabFaults>>;
  arm(instance: MeshInstance, point: string, fault: ArmRequest): Promise<void>;
  /** Nothing is armed at the point afterwards: also where nobody listens, because what starts anew starts unarmed. */
  disarm(instance: MeshInstance, point: string): Promise<void>;
  disarmAll(instance: MeshInstance): Promise<void>;
  plant(instance: MeshInstance, defect: string, seconds: number): Promise<void>;
  /** As `disarm`. */
  remove(instance: MeshInstance, defect: string): Promise<void>;
  /** `POST /lab/messages/poison` or `duplicate`. */
  message(instance: MeshInstance, what: 'poison' | 'duplicate'): Promise<void>;
  readiness(instance: MeshInstance): Promise<Readiness>;
  /** When the process began, in seconds since 1970, as it says itself; null where it says nothing. */
  startedAt(instance: MeshInstance): Promise<number | null>;
  /** Whether anybody listens there: false only where the connection is refused or reset. */
  listens(instance: MeshInstance): Promise<boolean>;
}

const labTimeoutMs = 2_000;
const lookTimeoutMs = 1_500;

export function createMesh(parts: { instances: readonly MeshInstance[]; asker: Asker; session: Session | null }): Mesh {
  const { instances, asker, session } = parts;

  const lab = async (
    instance: MeshInstance,
    method: 'GET' | 'PUT' | 'POST' | 'DELETE',
    path: string,
    body?: unknown,
  ): Promise<Answer> => {
    const authorization = session?.authorization() ?? null;
    if (authorization === null) throw new Error('the controller is not signed in');
    const answer = await asker.ask({
      method,
      url: `${instance.url}/lab${path}`,
      headers: { authorization },
      ...(body === undefined ? {} : { body }),
      timeoutMs: labTimeoutMs,
    });
    if (answer.status === 401) session?.refused();
    if (answer.status >= 200 && answer.status < 300) return answer;
    throw new Error(`${instance.name} answered ${reasonOf(answer)}`);
  };
  const undo = async (instance: MeshInstance, path: string): Promise<void> => {
    try {
      await lab(instance, 'DELETE', path);
    } catch (error) {
      if (codeOf(error) !== 'ECONNREFUSED') throw error;
    }
  };

  return {
    instances,
    find: (name) => instances.find((instance) => instance.name === name),
    faults: async (instance) => bodyOf(instance.name, await lab(instance, 'GET', '/faults'), faultsCheck),
    arm: async (instance, point, fault) => void (await lab(instance, 'PUT', `/faults/${point}`, fault)),
    disarm: (instance, point) => undo(instance, `/faults/${point}`),
    disarmAll: (instance) => undo(instance, '/faults'),
    plant: async (instance, defect, seconds) =>
      void (await lab(instance, 'PUT', `/defects/${defect}?seconds=${seconds}`)),
    remove: (instance, defect) => undo(instance, `/defects/${defect}`),
    message: async (instance, what) => void (await lab(instance, 'POST', `/messages/${what}`)),
    readiness: async (instance) => {
      try {
        const answer = await asker.ask({ url: `${instance.url}${readyPath(instance)}`, timeoutMs: lookTimeoutMs });
        if (answer.status === 200) return { state: 'ready' };
        if (instance.kind === 'stand-in')
          return { state: 'not-ready', failing: { process: `status ${answer.status}` } };
        const { failing } = bodyOf(instance.name, answer, readinessCheck);
        return { state: 'not-ready', failing };
      } catch (error) {
        return { state: 'unreachable', reason: messageOf(error) };
      }
    },
    startedAt: async (instance) => {
      const { text } = await asker.ask({ url: `${instance.url}/metrics`, timeoutMs: lookTimeoutMs });
      const found = /^process_start_time_seconds(?:\{[^}]*\})? (\d+(?:\.\d+)?)/m.exec(text)?.[1];
      return found === undefined ? null : Number(found);
    },
    listens: async (instance) => {
      try {
        await asker.ask({ url: `${instance.url}/healthz`, timeoutMs: 300 });
        return true;
      } catch (error) {
        return !['ECONNREFUSED', 'ECONNRESET', 'UND_ERR_SOCKET'].includes(codeOf(error) ?? '');
      }
    },
  };
}

function readyPath({ kind, name }: MeshInstance): string {
  if (kind === 'service') return '/readyz';
  return name === 'vault' ? '/v1/sys/health' : '/healthz';
}
