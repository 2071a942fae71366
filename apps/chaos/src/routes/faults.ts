/** Faults: what can be broken, what is, and how it is begun and ended. For operators. */
import { Fault, FaultRequest, Faults as FaultsList, FaultTargets, type Control } from '@ballast/contracts';
import { problemResponses, ProblemError, type HttpServer } from '@ballast/service';
import { Type } from 'typebox';
import type { Faults } from '../faults/engine.ts';
import { partTargets, type PartControls } from '../faults/parts.ts';
import type { Targets } from '../faults/targets.ts';
import type { ChaosState } from '../state.ts';
import { refuseStrangeFault } from './naming.ts';

const FaultParams = Type.Object({ id: Type.String({ format: 'uuid' }) }, { additionalProperties: false });

export function faultRoutes(
  scope: HttpServer,
  parts: {
    faults: Faults;
    targets: Targets;
    controls: PartControls;
    negativeControls: readonly Control[];
    state: ChaosState;
    /** Told of each fault that was injected by hand. */
    onInjected: (fault: Fault) => void;
  },
): void {
  const { faults, targets, controls, negativeControls, state } = parts;
  const tags = ['faults'];

  scope.get('/targets', { schema: { tags, response: { 200: FaultTargets, ...problemResponses } } }, async () => {
    await targets.refresh();
    return {
      instances: targets.instances(),
      links: state.get('links').map(({ from, to }) => ({ from, to })),
      parts: partTargets(controls),
      controls: negativeControls.map(({ control, invariant, title }) => ({ control, invariant, title })),
    };
  });
  scope.get('/faults', { schema: { tags, response: { 200: FaultsList, ...problemResponses } } }, async () => ({
    items: [...faults.list()],
  }));
  scope.post(
    '/faults',
    {
      schema: { tags, body: FaultRequest, response: { 201: Fault, ...problemResponses } },
      preValidation: async (request) => refuseStrangeFault(request.body),
    },
    async (request, reply) => {
      const fault = await faults.inject(request.body);
      if (fault.state !== 'failed') parts.onInjected(fault);
      return reply.code(201).header('location', `/faults/${fault.id}`).send(fault);
    },
  );
  scope.get(
    '/faults/:id',
    { schema: { tags, params: FaultParams, response: { 200: Fault, ...problemResponses } } },
    async (request) => found(faults.find(request.params.id)),
  );
  scope.delete(
    '/faults/:id',
    { schema: { tags, params: FaultParams, response: { 200: Fault, ...problemResponses } } },
    async (request) => found(await faults.heal(request.params.id)),
  );
  scope.delete('/faults', { schema: { tags, response: { 200: FaultsList, ...problemResponses } } }, async () => ({
    items: [...(await faults.healAll())],
  }));
}

function found(fault: Fault | null): Fault {
  if (fault === null) throw new ProblemError('not-found', 'There is no fault with this id.');
  return fault;
}
