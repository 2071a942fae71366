/** A service's live stream handed on to whoever reads it here: bounded in number, and over as soon as either side is. */
import { ProblemError, type HttpServer } from '@ballast/service';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { EventStreams } from './event-stream.ts';
import { forwardedHeaders, relay, servedByOf } from './relay.ts';
import type { Upstream, UpstreamRequest } from './upstream.ts';

/** All live streams of this bff, of whatever kind, and those of one reader. */
const maxStreams = 2_000;
const maxStreamsOfOne = 20;

/** Where a stream comes from, and how long its beginning may take; what comes after has no limit but silence. */
export interface StreamSource extends Pick<UpstreamRequest, 'path' | 'timeoutMs' | 'attemptMs' | 'rideOutMs'> {
  upstream: Upstream;
}

/** Answers `reply`, which its handler returns; `request` may be resumed with `Last-Event-ID`. */
export type StreamRelay = (source: StreamSource, request: FastifyRequest, reply: FastifyReply) => Promise<void>;

/**
 * Streams of the routes of `scope`, which has `authentication`: they end when it drains, and when their reader is signed
 * out. What the service answers in place of a stream is passed on. Rejects with a `ProblemError` where there is no place (503,
 * 429) and where the service cannot be reached (503).
 */
export function streamRelay(scope: HttpServer, streams: EventStreams): StreamRelay {
  return async ({ upstream, ...limits }, request, reply) => {
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
      const answer = await upstream.open({ method: 'GET', headers, body: null, repeatable: true, ...limits });
      if (!('exchange' in answer)) {
        release();
        relay(reply, answer);
        return;
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
    } catch (error) {
      release();
      throw error;
    }
  };
}

/** Whose streams are counted together. */
function readerOf(request: FastifyRequest): string {
  return request.sessionId ?? request.principal?.tokenId ?? request.ip;
}
