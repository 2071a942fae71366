/** Routes that exist in lab mode only, for operators: fail points and planted defects, and whatever a service adds. */
import { LabFault, LabFaults } from '@ballast/contracts';
import {
  arm,
  disarm,
  faultsEnabled,
  listArmed,
  listDefects,
  listFailPoints,
  plantDefect,
  removeDefect,
  type Fault,
} from '@ballast/faults';
import type { FastifyRequest } from 'fastify';
import { Type, type Static } from 'typebox';
import { problemResponses, type HttpServer } from './http.ts';
import { ProblemError } from './problem.ts';

/**
 * Adds routes below `/lab`, in lab mode only. `scope` must have `authentication` registered; that the caller is an
 * operator is checked once more here, so that a scope without it lets nobody in.
 */
export async function addLabRoutes(scope: HttpServer, add: (lab: HttpServer) => void): Promise<void> {
  if (!faultsEnabled()) return;
  await scope.register(
    async (lab: HttpServer) => {
      lab.addHook('onRoute', (route) => {
        route.config = { ...route.config, access: 'operator' };
        route.schema = { ...route.schema, hide: true };
      });
      lab.addHook('onRequest', async (request) => refuseStrangers(request));
      add(lab);
    },
    { prefix: '/lab' },
  );
}

function refuseStrangers(request: FastifyRequest): void {
  const principal = request.principal as FastifyRequest['principal'] | undefined;
  if (principal?.roles.includes('operator') !== true) throw new ProblemError('forbidden', 'This is for operators.');
}

const Point = Type.Object(
  { point: Type.String({ pattern: '^[a-z][a-z0-9.-]*$', maxLength: 100 }) },
  { additionalProperties: false },
);
const Name = Type.Object(
  { name: Type.String({ pattern: '^[a-z][a-z0-9.-]*$', maxLength: 100 }) },
  { additionalProperties: false },
);

/** Fail points and defects of this process. What is armed disarms itself when its time is over. */
export function faultRoutes(lab: HttpServer): void {
  const timers = new Map<string, { timer: NodeJS.Timeout; until: Date }>();
  const end = (point: string): void => {
    clearTimeout(timers.get(point)?.timer);
    timers.delete(point);
    disarm(point);
  };
  const list = (): Static<typeof LabFaults> => ({
    points: listFailPoints(),
    armed: listArmed().map(({ point, action, times }) => ({
      point,
      action,
      times,
      until: timers.get(point)?.until.toISOString() ?? null,
    })),
    defects: listDefects(),
  });
  const answer = { 200: LabFaults, ...problemResponses };

  lab.get('/faults', { schema: { response: answer } }, async () => list());
  lab.put(
    '/faults/:point',
    { schema: { params: Point, body: LabFault, response: answer } },
    async ({ params: { point }, body }) => {
      end(point);
      const fault: Fault = { point, milliseconds: 0, skip: 0, times: 1, ...body };
      arm(fault);
      const timer = setTimeout(() => end(point), body.seconds * 1_000).unref();
      timers.set(point, { timer, until: new Date(Date.now() + body.seconds * 1_000) });
      return list();
    },
  );
  lab.delete('/faults/:point', { schema: { params: Point, response: answer } }, async ({ params: { point } }) => {
    end(point);
    return list();
  });
  lab.put('/defects/:name', { schema: { params: Name, response: answer } }, async ({ params: { name } }) => {
    plantDefect(name);
    return list();
  });
  lab.delete('/defects/:name', { schema: { params: Name, response: answer } }, async ({ params: { name } }) => {
    removeDefect(name);
    return list();
  });
}
