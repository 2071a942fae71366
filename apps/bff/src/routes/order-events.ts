/** An order's live stream: checkout's events, resumed where the browser left off. */
import { OrderParams } from '@ballast/contracts';
import { problemResponses, ProblemError, type HttpServer } from '@ballast/service';
import type { FastifyRequest } from 'fastify';
import type { EventStreams } from '../clients/event-stream.ts';
import { forwardedHeaders, relay, servedByOf } from '../clients/relay.ts';
import type { Upstream } from '../clients/upstream.ts';

const maxStreams = 2_000;
const maxStreamsOfOne = 20;

/** A stream must begin within the time of a read; what comes after has no limit but silence. */
const openLimits = { repeatable: true, timeoutMs: 5_000, attemptMs: 1_000 };

export function orderEventRoutes(scope: HttpServer, checkout: Upstream, streams: EventStreams): void {
  scope.get(
    '/api/orders/:id/events',
    {
      exposeHeadRoute: false,
      schema: {
        tags: ['orders'],
        description:
          'Server-sent events: `snapshot`, then a `transition` for each step, then `end`. Resumes by Last-Event-ID.',
        params: OrderParams,
        response: problemResponses,
      },
    },
    async (request, reply) => {
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
        const path = `/orders/${request.params.id}/events`;
        const answer = await checkout.open({ method: 'GET', path, headers, body: null, ...openLimits });
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
    },
  );
}

/** Whose streams are counted together. */
function readerOf(request: FastifyRequest): string {
  return request.sessionId ?? request.principal?.tokenId ?? request.ip;
}
