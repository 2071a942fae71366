/** `GET /revocations`: what services must not accept any more. The ids say nothing to whoever does not have the tokens. */
import { RevocationQuery, Revocations } from '@ballast/contracts';
import { declareFailPoints, failPoint } from '@ballast/faults';
import { problemResponses, type HttpServer } from '@ballast/service';
import type { RevocationFeed } from '../revocations.ts';

declareFailPoints({ 'before-revocations': 'a service asks what was revoked; unanswered, its view grows old' });

/** Adds the route by which services keep their view of revoked tokens. */
export function addRevocationRoutes(server: HttpServer, feed: RevocationFeed): void {
  server.get(
    '/revocations',
    {
      config: { access: 'public', offWire: true },
      exposeHeadRoute: false,
      schema: {
        summary: 'Ended sessions and revoked tokens, in order; with `wait=1` not before there is something new',
        querystring: RevocationQuery,
        response: { 200: Revocations, ...problemResponses },
      },
    },
    async (request, reply) => {
      reply.header('cache-control', 'no-store');
      await failPoint('before-revocations');
      return feed.read(request.query.after, request.query.wait === '1');
    },
  );
}
