/** `/api/lab`: the demonstrations, in lab mode only and for operators only (libs/contracts/src/lab.ts). */
import { faultsEnabled } from '@ballast/faults';
import { ProblemError, type HttpServer } from '@ballast/service';
import type { FastifyRequest } from 'fastify';
import type { Instances } from '../../clients/instances.ts';
import type { Upstream } from '../../clients/upstream.ts';
import type { RateLimits } from '../../limits/rate-limit.ts';
import { bucketRoutes } from './buckets.ts';
import { clusterRoutes } from './cluster.ts';
import { convergeRoutes } from './converge.ts';
import { handThroughRoutes } from './hand-through.ts';
import { raceRoutes } from './races.ts';

/** What the lab's routes work on. */
export interface LabParts {
  instances: Instances;
  upstreams: readonly Upstream[];
  limits: RateLimits;
}

/** Adds the routes; does nothing outside the lab. `scope` must have `authentication` registered. */
export async function labRoutes(scope: HttpServer, parts: LabParts): Promise<void> {
  if (!faultsEnabled()) return;
  await scope.register(async (lab: HttpServer) => {
    lab.addHook('onRoute', (route) => {
      route.config = { ...route.config, access: 'operator' };
      route.schema = { ...route.schema, hide: true };
    });
    lab.addHook('onRequest', async (request) => refuseStrangers(request));
    clusterRoutes(lab, parts);
    bucketRoutes(lab, parts.limits);
    raceRoutes(lab, parts);
    convergeRoutes(lab, parts);
    handThroughRoutes(lab, parts.instances);
  });
}

/** Once more, so that a scope without authentication lets nobody in. */
function refuseStrangers(request: FastifyRequest): void {
  const principal = request.principal as FastifyRequest['principal'] | undefined;
  if (principal?.roles.includes('operator') !== true) throw new ProblemError('forbidden', 'This is for operators.');
}
