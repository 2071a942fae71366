/** A customer's orders. Who may see which is checkout's to decide; it gets the caller's own token. */
import { Order, OrderAccepted, OrderPage, OrderParams, OrderQuery, PlaceOrder } from '@ballast/contracts';
import { problemResponses, ProblemError, type HttpServer } from '@ballast/service';
import type { FastifyRequest } from 'fastify';
import { forwardedHeaders, relay } from '../clients/relay.ts';
import { keyedWriteLimits, pathWithQuery, readLimits } from '../clients/requests.ts';
import type { Upstream } from '../clients/upstream.ts';

const keyShape = /^[\x21-\x7e]{1,200}$/;

export function orderRoutes(scope: HttpServer, checkout: Upstream): void {
  scope.post(
    '/api/orders',
    {
      schema: { tags: ['orders'], body: PlaceOrder, response: { 202: OrderAccepted, ...problemResponses } },
      preValidation: (request, _reply, done) => done(idempotencyKeyProblem(request)),
    },
    async (request, reply) => {
      const headers = forwardedHeaders(request, ['idempotency-key']);
      headers.push('content-type', 'application/json');
      const body = JSON.stringify(request.body);
      return relay(reply, await checkout.send({ method: 'POST', path: '/orders', headers, body, ...keyedWriteLimits }));
    },
  );

  scope.get(
    '/api/orders',
    { schema: { tags: ['orders'], querystring: OrderQuery, response: { 200: OrderPage, ...problemResponses } } },
    async (request, reply) => {
      reply.header('cache-control', 'no-store');
      const path = pathWithQuery('/orders', request.query);
      return relay(
        reply,
        await checkout.send({ method: 'GET', path, headers: forwardedHeaders(request), body: null, ...readLimits }),
      );
    },
  );

  scope.get(
    '/api/orders/:id',
    { schema: { tags: ['orders'], params: OrderParams, response: { 200: Order, ...problemResponses } } },
    async (request, reply) => {
      reply.header('cache-control', 'no-store');
      const path = `/orders/${request.params.id}`;
      return relay(
        reply,
        await checkout.send({ method: 'GET', path, headers: forwardedHeaders(request), body: null, ...readLimits }),
      );
    },
  );
}

function idempotencyKeyProblem(request: FastifyRequest): Error | undefined {
  const key = request.headers['idempotency-key'];
  if (key === undefined || key === '') {
    return new ProblemError('missing-idempotency-key', 'Send an Idempotency-Key, and the same one when you try again.');
  }
  if (typeof key === 'string' && keyShape.test(key)) return undefined;
  return new ProblemError('invalid-input', 'The Idempotency-Key must be 1 to 200 visible ASCII characters.', {
    field: 'idempotency-key',
  });
}
