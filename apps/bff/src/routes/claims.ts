/**
 * Claims. Who may see and decide which is the claims service's to say; it gets the caller's own token. Idempotency is
 * its own, too: a replay answers 200 with the claim as it stands now, which a stored answer could not.
 */
import { Claim, ClaimDecision, ClaimPage, ClaimParams, ClaimQuery, CreateClaim } from '@ballast/contracts';
import { problemResponses, type HttpServer } from '@ballast/service';
import { idempotencyKeyProblem } from '../clients/keyed-writes.ts';
import { forwardedHeaders, relay } from '../clients/relay.ts';
import { keyedWriteLimits, pathWithQuery, readLimits, writeLimits } from '../clients/requests.ts';
import type { Upstream } from '../clients/upstream.ts';

export function claimRoutes(scope: HttpServer, claims: Upstream): void {
  scope.post(
    '/api/claims',
    {
      schema: { tags: ['claims'], body: CreateClaim, response: { 200: Claim, 201: Claim, ...problemResponses } },
      preValidation: (request, _reply, done) => done(idempotencyKeyProblem(request)),
    },
    async (request, reply) => {
      const headers = forwardedHeaders(request, ['idempotency-key']);
      headers.push('content-type', 'application/json');
      const body = JSON.stringify(request.body);
      return relay(reply, await claims.send({ method: 'POST', path: '/claims', headers, body, ...keyedWriteLimits }));
    },
  );

  scope.get(
    '/api/claims',
    { schema: { tags: ['claims'], querystring: ClaimQuery, response: { 200: ClaimPage, ...problemResponses } } },
    async (request, reply) => {
      reply.header('cache-control', 'no-store');
      const path = pathWithQuery('/claims', request.query);
      return relay(
        reply,
        await claims.send({ method: 'GET', path, headers: forwardedHeaders(request), body: null, ...readLimits }),
      );
    },
  );

  scope.get(
    '/api/claims/:id',
    { schema: { tags: ['claims'], params: ClaimParams, response: { 200: Claim, ...problemResponses } } },
    async (request, reply) => {
      reply.header('cache-control', 'no-store');
      const path = `/claims/${request.params.id}`;
      return relay(
        reply,
        await claims.send({ method: 'GET', path, headers: forwardedHeaders(request), body: null, ...readLimits }),
      );
    },
  );

  scope.post(
    '/api/claims/:id/decision',
    {
      config: { access: 'operator' },
      schema: {
        tags: ['claims'],
        params: ClaimParams,
        body: ClaimDecision,
        response: { 200: Claim, ...problemResponses },
      },
    },
    async (request, reply) => {
      const headers = forwardedHeaders(request);
      headers.push('content-type', 'application/json');
      const path = `/claims/${request.params.id}/decision`;
      const body = JSON.stringify(request.body);
      return relay(reply, await claims.send({ method: 'POST', path, headers, body, ...writeLimits }));
    },
  );
}
