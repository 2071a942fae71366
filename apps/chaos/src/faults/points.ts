/** Fail points inside a process. */
import { tickPoint } from '@ballast/contracts';
import { ProblemError } from '@ballast/service';
import type { ArmRequest, Mesh } from '../clients/mesh.ts';
import { kindOf, titleOf } from '../domain/wording.ts';
import type { MeshInstance } from '../state.ts';
import { pause, type Planner } from './lever.ts';
import { notReady } from './readiness.ts';
import type { Targets } from './targets.ts';

/** What a delay is where nothing is said, in ms. */
const defaultDelayMs = 500;
/** Looks at a process that is to crash, and at one that is to do something else, in ms. */
const crashLookMs = 40;
const armedLookMs = 500;

export function planPoint(mesh: Mesh, targets: Targets): Planner<'point'> {
  return async (_id, request) => {
    const { point, action, milliseconds, times, seconds } = request;
    const instance = mesh.find(request.instance);
    if (instance?.kind !== 'service') {
      throw new ProblemError('invalid-input', `There is no service instance ${request.instance}.`, {
        field: 'instance',
      });
    }
    if (point === tickPoint && (action === 'error' || action === 'delay')) {
      throw new ProblemError('invalid-input', `At ${tickPoint} a process can be crashed or frozen only.`, {
        field: 'action',
      });
    }
    if (!(await targets.hasPoint(instance, point))) {
      throw new ProblemError('invalid-input', `${instance.name} has no fail point ${point}.`, { field: 'point' });
    }
    const armed: ArmRequest = {
      action,
      seconds,
      ...(action === 'delay' ? { milliseconds: milliseconds ?? defaultDelayMs } : {}),
      ...(action === 'freeze' && milliseconds !== undefined ? { milliseconds } : {}),
      ...(times === undefined ? {} : { times }),
    };
    let startedAt: number | null = null;
    return {
      title: titleOf(request),
      nodes: [instance.name],
      links: [],
      kind: kindOf(request),
      lasts: true,
      exclusive: `point ${instance.name} ${point}`,
      inject: async () => {
        if (action === 'crash') startedAt = await startOf(mesh, instance);
        await mesh.arm(instance, point, armed);
      },
      end: () => mesh.disarm(instance, point),
      watch: async (signal, over) => {
        const look =
          action === 'crash'
            ? (round: number) => hasDied(mesh, instance, startedAt, round)
            : () => isSpent(mesh, instance, point);
        for (let round = 1; !signal.aborted; round += 1) {
          await pause(action === 'crash' ? crashLookMs : armedLookMs, signal);
          if (signal.aborted) return;
          const ended = await look(round);
          if (ended !== null && !signal.aborted) {
            over(ended.detail);
            return;
          }
        }
      },
      waiting: () => notReady(mesh, [instance]),
    };
  };
}

type Ended = { detail: string | null } | null;

/** Between death and the next start nobody listens; should that have been overlooked, the start is another one. */
async function hasDied(mesh: Mesh, instance: MeshInstance, before: number | null, round: number): Promise<Ended> {
  if (!(await mesh.listens(instance))) return { detail: null };
  if (before === null || round % 25 !== 0) return null;
  const now = await startOf(mesh, instance);
  return now !== null && now !== before ? { detail: null } : null;
}

async function startOf(mesh: Mesh, instance: MeshInstance): Promise<number | null> {
  try {
    return await mesh.startedAt(instance);
  } catch {
    // It is only a second way to see what the first one sees as well.
    return null;
  }
}

/** Whether nothing is armed there any more. A process that says nothing (frozen) has not ended anything. */
async function isSpent(mesh: Mesh, instance: MeshInstance, point: string): Promise<Ended> {
  try {
    const { armed } = await mesh.faults(instance);
    return armed.some((entry) => entry.point === point)
      ? null
      : { detail: 'It is used up, or the process began anew.' };
  } catch {
    return null;
  }
}
