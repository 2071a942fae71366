/** Products: reads for everybody, stock corrections for operators. */
import { Product, ProductPage, ProductParams, ProductQuery, StockUpdate } from '@ballast/contracts';
import { problemResponses, ProblemError, type HttpServer } from '@ballast/service';
import { forwardedHeaders, relay } from '../clients/relay.ts';
import { pathWithQuery, readLimits, writeLimits } from '../clients/requests.ts';
import type { Upstream } from '../clients/upstream.ts';

const conditional = ['if-none-match'];

export function productRoutes(scope: HttpServer, catalog: Upstream): void {
  scope.get(
    '/api/products',
    { schema: { tags: ['products'], querystring: ProductQuery, response: { 200: ProductPage, ...problemResponses } } },
    async (request, reply) => {
      const path = pathWithQuery('/products', request.query);
      const headers = forwardedHeaders(request, conditional);
      return relay(reply, await catalog.send({ method: 'GET', path, headers, body: null, ...readLimits }));
    },
  );

  scope.get(
    '/api/products/:id',
    { schema: { tags: ['products'], params: ProductParams, response: { 200: Product, ...problemResponses } } },
    async (request, reply) => {
      const headers = forwardedHeaders(request, conditional);
      const subject = request.params.id.toLowerCase();
      const path = `/products/${request.params.id}`;
      return relay(reply, await catalog.send({ method: 'GET', path, headers, body: null, subject, ...readLimits }));
    },
  );
}

export function stockRoutes(scope: HttpServer, catalog: Upstream): void {
  scope.put(
    '/api/products/:id/stock',
    {
      config: { access: 'operator' },
      schema: {
        tags: ['products'],
        params: ProductParams,
        body: StockUpdate,
        response: { 200: Product, ...problemResponses },
      },
      preValidation: (request, _reply, done) => {
        const missing = request.headers['if-match'] === undefined;
        done(missing ? new ProblemError('precondition-required', 'Send the ETag you saw as If-Match.') : undefined);
      },
    },
    async (request, reply) => {
      const headers = forwardedHeaders(request, ['if-match']);
      headers.push('content-type', 'application/json');
      const subject = request.params.id.toLowerCase();
      const path = `/products/${request.params.id}/stock`;
      const body = JSON.stringify(request.body);
      return relay(reply, await catalog.send({ method: 'PUT', path, headers, body, subject, ...writeLimits }));
    },
  );
}
