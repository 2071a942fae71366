/** Public facts the pages need for paying: the methods on offer, and the saga an order goes through. */
import { PaymentMethods, SagaDiagram } from '@ballast/contracts';
import { problemResponses, type HttpServer } from '@ballast/service';
import { forwardedHeaders, relay } from '../clients/relay.ts';
import { readLimits } from '../clients/requests.ts';
import type { Upstream } from '../clients/upstream.ts';

export function paymentRoutes(scope: HttpServer, upstreams: { payments: Upstream; checkout: Upstream }): void {
  scope.get(
    '/api/payment-methods',
    { schema: { tags: ['payments'], response: { 200: PaymentMethods, ...problemResponses } } },
    async (request, reply) => {
      const headers = forwardedHeaders(request);
      return relay(
        reply,
        await upstreams.payments.send({ method: 'GET', path: '/payment-methods', headers, body: null, ...readLimits }),
      );
    },
  );

  scope.get(
    '/api/sagas/place-order',
    { schema: { tags: ['orders'], response: { 200: SagaDiagram, ...problemResponses } } },
    async (request, reply) => {
      const headers = forwardedHeaders(request);
      return relay(
        reply,
        await upstreams.checkout.send({
          method: 'GET',
          path: '/sagas/place-order',
          headers,
          body: null,
          ...readLimits,
        }),
      );
    },
  );
}
