/** Routes that exist in lab mode only, for operators: fail points and planted defects, and whatever a service adds. */
import { LabFault, LabFaults, tickPoint } from '@ballast/contracts';
import {
  arm,
  disarm,
  faultsEnabled,
  isFailPoint,
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
import { wireRoutes } from './wire.ts';

/**
 * Adds routes below `/lab`, in lab mode only. `scope` must have `authentication` registered; that the caller is an
 * operator is checked once more here, so that a scope without it lets nobody in.
 *
 * They are open also while identity cannot be heard: its signature and what is known of revoked tokens have to be good
 * enough, because what is broken is mended from here, identity itself included.
 */
export async function addLabRoutes(scope: HttpServer, add: (lab: HttpServer) => void): Promise<void> {
  if (!faultsEnabled()) return;
  await scope.register(
    async (lab: HttpServer) => {
      lab.addHook('onRoute', (route) => {
        route.config = { ...route.config, access: 'operator', trustsStaleView: true };
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

const LabDefect = Type.Object(
  { seconds: Type.Optional(Type.Integer({ minimum: 1, maximum: 120 })) },
  { additionalProperties: false },
);

/** What ends by itself when its time is over, by name. Ending it twice does no harm. */
function countdowns(over: (name: string) => void) {
  const running = new Map<string, { timer: NodeJS.Timeout; until: Date }>();
  const end = (name: string): void => {
    clearTimeout(running.get(name)?.timer);
    running.delete(name);
    over(name);
  };
  return {
    end,
    endAll: (): void => [...running.keys()].forEach(end),
    begin: (name: string, seconds: number): void => {
      clearTimeout(running.get(name)?.timer);
      const timer = setTimeout(() => end(name), seconds * 1_000).unref();
      running.set(name, { timer, until: new Date(Date.now() + seconds * 1_000) });
    },
    until: (name: string): string | null => running.get(name)?.until.toISOString() ?? null,
  };
}

/** What every service has below `/lab`: fail points, defects and the wire feed. */
export function commonLabRoutes(lab: HttpServer): void {
  faultRoutes(lab);
  wireRoutes(lab);
}

/** Fail points and defects of this process. What is armed disarms itself when its time is over. */
function faultRoutes(lab: HttpServer): void {
  const faults = countdowns(disarm);
  const defects = countdowns(removeDefect);
  const list = (): Static<typeof LabFaults> => {
    const places = listFailPoints();
    return {
      points: Object.keys(places),
      places,
      armed: listArmed().map(({ point, action, times }) => ({
        point,
        action,
        times: Number.isFinite(times) ? times : null,
        until: faults.until(point),
      })),
      defects: listDefects(),
    };
  };
  const answer = { 200: LabFaults, ...problemResponses };

  lab.get('/faults', { schema: { response: answer } }, async () => list());
  lab.put(
    '/faults/:point',
    { schema: { params: Point, body: LabFault, response: answer } },
    async ({ params: { point }, body }) => {
      if (!isFailPoint(point)) throw new ProblemError('not-found', `There is no fail point ${point} here.`);
      faults.end(point);
      arm(faultOf(point, body));
      faults.begin(point, body.seconds);
      return list();
    },
  );
  lab.delete('/faults/:point', { schema: { params: Point, response: answer } }, async ({ params: { point } }) => {
    faults.end(point);
    return list();
  });
  lab.delete('/faults', { schema: { response: answer } }, async () => {
    faults.endAll();
    disarm();
    return list();
  });
  lab.put(
    '/defects/:name',
    { schema: { params: Name, querystring: LabDefect, response: answer } },
    async ({ params: { name }, query: { seconds } }) => {
      defects.end(name);
      plantDefect(name);
      if (seconds !== undefined) defects.begin(name, seconds);
      return list();
    },
  );
  lab.delete('/defects/:name', { schema: { params: Name, response: answer } }, async ({ params: { name } }) => {
    defects.end(name);
    return list();
  });
}

function faultOf(
  point: string,
  { action, milliseconds = 0, skip = 0, times, seconds }: Static<typeof LabFault>,
): Fault {
  const ticks = point === tickPoint;
  if (ticks && (action === 'error' || action === 'delay')) {
    throw new ProblemError('invalid-input', `Nothing waits for ${tickPoint}: it can be crashed or frozen only.`, {
      field: 'action',
    });
  }
  return {
    point,
    action,
    milliseconds: action === 'freeze' && milliseconds === 0 ? Number.POSITIVE_INFINITY : milliseconds,
    // The answer that says that it is armed leaves before the next tick but one, however busy the process is.
    skip: ticks ? Math.max(skip, 1) : skip,
    times: times ?? Number.POSITIVE_INFINITY,
    until: performance.now() + seconds * 1_000,
  };
}
