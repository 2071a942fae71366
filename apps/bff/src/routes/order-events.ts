/** An order's live stream: checkout's events, resumed where the browser left off. */
import { OrderParams } from '@ballast/contracts';
import { problemResponses, type HttpServer } from '@ballast/service';
import type { EventStreams } from '../clients/event-stream.ts';
import { streamRelay } from '../clients/stream-relay.ts';
import type { Upstream } from '../clients/upstream.ts';

/** A stream must begin within the time of a read. */
const limits = { timeoutMs: 5_000, attemptMs: 1_000 };

export function orderEventRoutes(scope: HttpServer, checkout: Upstream, streams: EventStreams): void {
  const handOn = streamRelay(scope, streams);
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
      await handOn({ upstream: checkout, path: `/orders/${request.params.id}/events`, ...limits }, request, reply);
      return reply;
    },
  );
}
