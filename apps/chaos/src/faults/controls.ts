/** Negative controls: planted defects, each of which must turn one invariant red (libs/contracts/src/controls.ts). */
import { Acknowledged, underWayMs, type Acknowledge as Known, type Control } from '@ballast/contracts';
import { ProblemError } from '@ballast/service';
import { Compile } from 'typebox/compile';
import { bodyOf, reasonOf, type Asker } from '../clients/http.ts';
import type { Mesh } from '../clients/mesh.ts';
import type { Session } from '../clients/operator.ts';
import { kindOf } from '../domain/wording.ts';
import type { ChaosState } from '../state.ts';
import type { Planner } from './lever.ts';
import { notReady } from './readiness.ts';

/**
 * Tells the auditor that what offends against an invariant is known damage, and what will about orders placed from one
 * moment to another; resolves to how much offended now and was news to it.
 */
export type Acknowledge = (known: Required<Known>) => Promise<number>;

/** For so long nothing more has come to light before a control counts as over, in ms. */
const calmMs = 3_000;

export function planControl(parts: {
  mesh: Mesh;
  state: ChaosState;
  known: readonly Control[];
  /** Null where this mesh has no auditor. */
  acknowledge: Acknowledge | null;
}): Planner<'control'> {
  const { mesh, state, known, acknowledge } = parts;
  return async (_id, request) => {
    const control = known.find((each) => each.control === request.control);
    const plants = (control?.plants ?? []).flatMap(({ instance, defect }) => {
      const found = mesh.find(instance);
      return found === undefined ? [] : [{ instance: found, defect }];
    });
    if (control === undefined || plants.length !== control.plants.length) {
      throw new ProblemError('invalid-input', `There is no control ${request.control} here.`, { field: 'control' });
    }
    const touched = [...new Set(plants.map(({ instance }) => instance))];
    const onAll = async (work: (plant: (typeof plants)[number]) => Promise<void>): Promise<void> => {
      const outcomes = await Promise.allSettled(plants.map(work));
      const failed = outcomes.find((outcome) => outcome.status === 'rejected');
      if (failed !== undefined) throw failed.reason;
    };
    const { invariant } = control;
    const isRed = (): boolean =>
      state
        .get('verdicts')
        ?.items.some((verdict) => verdict.invariant === invariant && verdict.state === 'violated') === true;
    let calmSince = Number.POSITIVE_INFINITY;
    const from = new Date(Date.now() - underWayMs).toISOString();
    let to = from;
    /** The damage it leaves is told to the auditor, again until nothing more comes to light. */
    const settle = async (): Promise<string[]> => {
      if (acknowledge === null) return [];
      const news = control.leaves === null ? 0 : await acknowledge({ invariant, placed: { from, to } });
      if (news > 0 || isRed()) calmSince = Number.POSITIVE_INFINITY;
      else calmSince = Math.min(calmSince, performance.now());
      return performance.now() - calmSince >= calmMs ? [] : [`invariant ${invariant} is settling`];
    };
    return {
      title: control.title,
      nodes: touched.map(({ name }) => name),
      links: [],
      kind: kindOf(request),
      lasts: true,
      exclusive: `control ${control.control}`,
      inject: () => onAll(({ instance, defect }) => mesh.plant(instance, defect, request.seconds)),
      end: async () => {
        await onAll(({ instance, defect }) => mesh.remove(instance, defect));
        to = new Date().toISOString();
      },
      waiting: async () => [...(await notReady(mesh, touched)), ...(await settle())],
    };
  };
}

const acknowledgedCheck = Compile(Acknowledged);

/** `POST /lab/acknowledge` of the auditor at `url`. */
export function acknowledgeAt(url: string, asker: Asker, session: Session): Acknowledge {
  return async (known) => {
    const authorization = session.authorization();
    if (authorization === null) throw new Error('the controller is not signed in');
    const headers = { authorization };
    const question = { method: 'POST' as const, url: `${url}/lab/acknowledge`, headers, body: known };
    const answer = await asker.ask({ ...question, timeoutMs: 5_000 });
    if (answer.status !== 200) throw new Error(`the auditor answered ${reasonOf(answer)}`);
    return bodyOf('the auditor', answer, acknowledgedCheck).marked;
  };
}
