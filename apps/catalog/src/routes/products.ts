/** Products for everyone: pages, search, one product. */
import { Product, ProductPage, ProductParams, ProductQuery } from '@ballast/contracts';
import type { Database } from '@ballast/postgres';
import { ProblemError, problemResponses, type HttpServer } from '@ballast/service';
import { Type } from 'typebox';
import { findProduct, listProducts } from '../store/products.ts';
import { readCursor, writeCursor } from './cursor.ts';
import { entityTag, readCondition } from './versions.ts';

const defaultLimit = 24;

/** `GET /products` and `GET /products/:id`. */
export function productRoutes(server: HttpServer, database: Database): void {
  server.get(
    '/products',
    {
      config: { access: 'public' },
      schema: {
        summary: 'Products, a page at a time; with `query` those that contain each of its words',
        querystring: ProductQuery,
        response: { 200: ProductPage, ...problemResponses },
      },
    },
    async (request) => {
      const { query = '', cursor, limit = defaultLimit } = request.query;
      const after = cursor === undefined ? null : readCursor(cursor);
      if (cursor !== undefined && after === null) {
        throw new ProblemError('invalid-input', 'cursor is not one that a page was answered with.', {
          field: 'cursor',
        });
      }
      // One more than asked for: it tells whether there is another page.
      const found = await listProducts(database, { query, after, limit: limit + 1 });
      const page = found.slice(0, limit);
      const last = page.at(-1);
      const nextCursor =
        found.length > limit && last !== undefined ? writeCursor([last.position, last.product.productId]) : null;
      return { items: page.map(({ product }) => product), nextCursor };
    },
  );

  server.get(
    '/products/:id',
    {
      config: { access: 'public' },
      schema: {
        summary: 'One product; its ETag is the version that a change of its stock must name',
        params: ProductParams,
        response: {
          200: Product,
          304: Type.Null({ description: 'The caller has this version already (If-None-Match).' }),
          ...problemResponses,
        },
      },
    },
    async (request, reply) => {
      const found = await findProduct(database, request.params.id);
      if (found === null) throw new ProblemError('not-found', 'There is no such product.');
      // Stock moves all the time: a copy may be kept, but must be asked about before each use.
      reply.header('etag', entityTag(found.version)).header('cache-control', 'no-cache');
      const condition = readCondition(request.headers['if-none-match'] ?? '');
      // A condition that cannot be read is as good as none: the caller gets the product.
      const unchanged =
        condition !== null && (condition.any || condition.tags.some(({ tag }) => tag === found.version));
      return unchanged ? reply.code(304).send(null) : found.product;
    },
  );
}
