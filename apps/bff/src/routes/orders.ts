/** A customer's orders. Who may see which is checkout's to decide; it gets the caller's own token. */
import {
  Order,
  OrderAccepted,
  OrderPage,
  OrderParams,
  OrderQuery,
  OrderResolution,
  PlaceOrder,
} from '@ballast/contracts';
import { problemResponses, type HttpServer } from '@ballast/service';
import { idempotencyKeyProblem, type KeyedWrites } from '../clients/keyed-writes.ts';
import { forwardedHeaders, relay } from '../clients/relay.ts';
import { keyedWriteLimits, pathWithQuery, readLimits, writeLimits } from '../clients/requests.ts';
import type { Upstream } from '../clients/upstream.ts';

export function orderRoutes(scope: HttpServer, checkout: Upstream, keyedWrites: KeyedWrites): void {
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
      return keyedWrites.answer(request, reply, () =>
        checkout.send({ method: 'POST', path: '/orders', headers, body, ...keyedWriteLimits }),
      );
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

  scope.post(
    '/api/orders/:id/resolution',
    {
      config: { access: 'operator' },
      schema: {
        tags: ['orders'],
        params: OrderParams,
        body: OrderResolution,
        response: { 200: Order, ...problemResponses },
      },
    },
    async (request, reply) => {
      const headers = forwardedHeaders(request);
      headers.push('content-type', 'application/json');
      const path = `/orders/${request.params.id}/resolution`;
      const body = JSON.stringify(request.body);
      return relay(reply, await checkout.send({ method: 'POST', path, headers, body, ...writeLimits }));
    },
  );
}
