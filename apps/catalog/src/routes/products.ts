/** Products for everyone: pages, search, one product. */
import { Product, ProductPage, ProductParams, ProductQuery } from '@ballast/contracts';
import type { Database } from '@ballast/postgres';
import { ProblemError, problemResponses, type HttpServer } from '@ballast/service';
import type { FastifyReply } from 'fastify';
import { Type } from 'typebox';
import type { ProductCopies, ProductCopy } from '../copies.ts';
import { listProducts } from '../store/products.ts';
import { readCursor, writeCursor } from './cursor.ts';
import { readCondition } from './versions.ts';

const defaultLimit = 24;

/** `GET /products` and `GET /products/:id`. */
export function productRoutes(server: HttpServer, database: Database, copies: ProductCopies): void {
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
    // Not async: most requests are answered from memory, in this turn of the event loop.
    (request, reply) => {
      // Paths may name an id in either case; copies go by the one the row has.
      const productId = request.params.id.toLowerCase();
      const condition = request.headers['if-none-match'];
      const copy = copies.peek(productId);
      if (copy !== undefined) {
        answer(reply, condition, copy);
        return;
      }
      return copies.get(productId).then((found) => {
        if (found === null) throw new ProblemError('not-found', 'There is no such product.');
        answer(reply, condition, found);
      });
    },
  );
}

/** Sends the bytes as they are kept: they were checked and serialised when the copy was made. */
function answer(reply: FastifyReply, condition: string | undefined, copy: ProductCopy): void {
  // Stock moves all the time: a copy may be kept, but must be asked about before each use.
  // The revision is for who watches over replicas: it tells which of two versions is the newer one.
  reply.header('etag', copy.etag).header('cache-control', 'no-cache').header('x-revision', copy.revision);
  if (condition !== undefined && (condition === copy.etag || isMet(condition, copy.version))) {
    reply.code(304).send();
    return;
  }
  reply.header('content-type', 'application/json; charset=utf-8').send(copy.body);
}

/** A condition that cannot be read is as good as none: the caller gets the product. */
function isMet(header: string, version: string): boolean {
  const condition = readCondition(header);
  return condition !== null && (condition.any || condition.tags.some(({ tag }) => tag === version));
}
