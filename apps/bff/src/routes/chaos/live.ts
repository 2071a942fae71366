/** What `/chaos` shows: the controller's live stream, resumed where the browser left off. */
import { problemResponses, type HttpServer } from '@ballast/service';
import type { EventStreams } from '../../clients/event-stream.ts';
import { streamRelay } from '../../clients/stream-relay.ts';
import type { Upstream } from '../../clients/upstream.ts';

/** A stream must begin within this time, in ms. The controller tells something each second. */
const limits = { timeoutMs: 3_000, rideOutMs: 0 };

export function liveRoute(scope: HttpServer, chaos: Upstream, streams: EventStreams): void {
  const handOn = streamRelay(scope, streams);
  scope.get('/api/live', { exposeHeadRoute: false, schema: { response: problemResponses } }, async (request, reply) => {
    await handOn({ upstream: chaos, path: '/live', ...limits }, request, reply);
    return reply;
  });
}
