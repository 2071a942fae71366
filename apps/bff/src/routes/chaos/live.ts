/** What `/chaos` shows: the controller's live stream, resumed where the browser left off. */
import { problemResponses, ProblemError, type HttpServer } from '@ballast/service';
import type { FastifyRequest } from 'fastify';
import type { EventStreams } from '../../clients/event-stream.ts';
import { forwardedHeaders, relay, servedByOf } from '../../clients/relay.ts';
import type { Upstream } from '../../clients/upstream.ts';

/** All live streams of this bff, orders' included, and those of one reader. */
const maxStreams = 2_000;
const maxStreamsOfOne = 20;
/** A stream must begin within this time; what comes after has no limit but silence. The controller tells something each second. */
const openLimits = { repeatable: true, timeoutMs: 3_000, rideOutMs: 0 };

export function liveRoute(scope: HttpServer, chaos: Upstream, streams: EventStreams): void {
  scope.get('/api/live', { exposeHeadRoute: false, schema: { response: problemResponses } }, async (request, reply) => {
    const reader = readerOf(request);
    if (scope.draining.aborted || streams.size >= maxStreams) {
      throw new ProblemError('unavailable', 'No more live streams here at the moment.', { retryAfterSeconds: 1 });
    }
    if (streams.openFor(reader) >= maxStreamsOfOne) {
      throw new ProblemError('rate-limited', `At most ${maxStreamsOfOne} live streams at a time.`, {
        retryAfterSeconds: 5,
      });
    }
    const headers = forwardedHeaders(request, ['last-event-id']);
    headers[1] = 'text/event-stream, application/problem+json';
    // From here on every way out gives the place back.
    const release = streams.reserve(reader);
    try {
      const answer = await chaos.open({ method: 'GET', path: '/live', headers, body: null, ...openLimits });
      if (!('exchange' in answer)) {
        release();
        return relay(reply, answer);
      }
      const servedBy = servedByOf(answer.headers);
      if (servedBy !== undefined) reply.header('x-served-by', servedBy);
      if (reply.raw.destroyed || scope.draining.aborted) {
        answer.exchange.cancel(new Error('nobody is there to read it'));
        throw new ProblemError('unavailable', 'This instance is shutting down.', { retryAfterSeconds: 1 });
      }
      reply.hijack();
      // Who has signed out, here or elsewhere, sees nothing more.
      let revoked = false;
      let end = (): void => {
        revoked = true;
      };
      const unwatch = scope.revocations?.onRevoked(request.principal!, () => end());
      end = streams.pipe(answer, reply.raw, reply.getHeaders() as Record<string, string>, () => {
        unwatch?.();
        release();
      });
      if (revoked) end();
      return reply;
    } catch (error) {
      release();
      throw error;
    }
  });
}

/** Whose streams are counted together. */
function readerOf(request: FastifyRequest): string {
  return request.sessionId ?? request.principal?.tokenId ?? request.ip;
}
