/** Products: reads for everybody, stock corrections for operators. */
import { Product, ProductPage, ProductParams, ProductQuery, StockUpdate } from '@ballast/contracts';
import { problemResponses, ProblemError, type HttpServer } from '@ballast/service';
import type { FastifyRequest } from 'fastify';
import { forwardedHeaders, relay } from '../clients/relay.ts';
import { pathWithQuery, readLimits, writeLimits } from '../clients/requests.ts';
import { sharedReads } from '../clients/shared-reads.ts';
import type { Upstream, UpstreamResponse } from '../clients/upstream.ts';

const conditional = ['if-none-match'];

export function productRoutes(scope: HttpServer, catalog: Upstream): void {
  const shared = sharedReads(catalog);
  /** Many ask for the same at once, and who they are makes no difference: these are asked for in nobody's name. */
  const read = (request: FastifyRequest, path: string, subject?: string): Promise<UpstreamResponse> => {
    return shared(`${path}\n${request.headers['if-none-match']}`, () => ({
      method: 'GET',
      path,
      headers: forwardedHeaders(request, conditional),
      body: null,
      ...(subject === undefined ? {} : { subject }),
      ...readLimits,
    }));
  };

  scope.get(
    '/api/products',
    { schema: { tags: ['products'], querystring: ProductQuery, response: { 200: ProductPage, ...problemResponses } } },
    async (request, reply) => relay(reply, await read(request, pathWithQuery('/products', request.query))),
  );

  scope.get(
    '/api/products/:id',
    { schema: { tags: ['products'], params: ProductParams, response: { 200: Product, ...problemResponses } } },
    async (request, reply) => {
      const { id } = request.params;
      return relay(reply, await read(request, `/products/${id}`, id.toLowerCase()));
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
