/**
 * `/api/chaos/<rest>` → `/<rest>` of the chaos controller, and `GET /api/live` → its live stream: in lab mode only, for
 * operators only, and only where there is a controller. The controller checks token and role once more.
 */
import { faultsEnabled } from '@ballast/faults';
import { ProblemError, type HttpServer } from '@ballast/service';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { EventStreams } from '../../clients/event-stream.ts';
import { forwardedHeaders, relay } from '../../clients/relay.ts';
import type { Upstream } from '../../clients/upstream.ts';
import { liveRoute } from './live.ts';

/** What the routes work on. */
export interface ChaosParts {
  /** The controller; null where there is none. */
  chaos: Upstream | null;
  streams: EventStreams;
}

/** Experiments are documents of up to 2,000 steps. */
const bodyLimit = 512 * 1024;
/** Injecting and healing wait for their effect, a few seconds at most. No riding out: the lab wants to know at once. */
const limits = { repeatable: false, timeoutMs: 8_000, rideOutMs: 0 };
const methods = ['GET', 'POST', 'PUT', 'DELETE'] as const;
/** The path as it was sent: plain segments without any escapes, so that nothing means two things on two servers. */
const shape = /^\/api\/chaos((?:\/[A-Za-z0-9_~-][A-Za-z0-9._~-]{0,99}){1,4})(\?[A-Za-z0-9._~=&%:+,-]{0,500})?$/;

/** Adds the routes; does nothing outside the lab or without a controller. `scope` must have `authentication` registered. */
export async function chaosRoutes(scope: HttpServer, { chaos, streams }: ChaosParts): Promise<void> {
  if (!faultsEnabled() || chaos === null) return;
  await scope.register(async (lab: HttpServer) => {
    lab.addHook('onRoute', (route) => {
      // Whoever broke identity must be able to mend it while it cannot be asked who was signed out.
      route.config = { ...route.config, access: 'operator', trustsStaleView: true };
      route.schema = { ...route.schema, hide: true };
    });
    lab.addHook('onRequest', async (request) => refuseStrangers(request));
    for (const method of methods) {
      lab.route({
        method,
        url: '/api/chaos/*',
        exposeHeadRoute: false,
        bodyLimit,
        handler: (request, reply) => handThrough(chaos, method, request, reply),
      });
    }
    liveRoute(lab, chaos, streams);
  });
}

/** Once more, so that a scope without authentication lets nobody in. */
function refuseStrangers(request: FastifyRequest): void {
  const principal = request.principal as FastifyRequest['principal'] | undefined;
  if (principal?.roles.includes('operator') !== true) throw new ProblemError('forbidden', 'This is for operators.');
}

async function handThrough(
  chaos: Upstream,
  method: (typeof methods)[number],
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const match = shape.exec(request.raw.url ?? '');
  if (match === null) throw new ProblemError('bad-request', 'Only plain paths can be handed through.');
  const [, rest = '', query = ''] = match;
  // The stream has a route of its own, and the others are not for the outside.
  if (['/live', '/metrics', '/openapi.json', '/healthz', '/readyz'].includes(rest) || rest.startsWith('/lab/')) {
    throw new ProblemError('not-found', 'There is nothing at this address.');
  }
  const headers = forwardedHeaders(request);
  const body = request.body === undefined || request.body === null ? null : JSON.stringify(request.body);
  if (body !== null) headers.push('content-type', 'application/json');
  reply.header('cache-control', 'no-store');
  const answer = await chaos.send({ method, path: `${rest}${query}`, headers, body, ...limits });
  const { location } = answer.headers;
  if (location?.startsWith('/') === true) answer.headers.location = `/chaos${location}`;
  return relay(reply, answer);
}
