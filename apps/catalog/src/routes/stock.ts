/** The operator's correction of what is on hand, guarded by the product's version. */
import { Problem, Product, ProductParams, StockUpdate } from '@ballast/contracts';
import { declareFailPoints, failPoint } from '@ballast/faults';
import type { Database } from '@ballast/postgres';
import { ProblemError, problemResponses, type HttpServer } from '@ballast/service';
import { Type } from 'typebox';
import type { ProductCopies } from '../copies.ts';
import type { Recheck } from '../recheck.ts';
import { findProduct, setOnHand } from '../store/products.ts';
import { entityTag, readCondition } from './versions.ts';

const StaleProblem = Type.Object({ ...Problem.properties, current: Product });

declareFailPoints({
  'before-stock-write': 'an operator’s stock correction is checked and not written yet',
  'after-stock-write': 'a stock correction is committed; copies still show what was before, and nobody is answered',
});

/** `PUT /products/:id/stock`. */
export function stockRoutes(
  server: HttpServer,
  { database, copies, recheck }: { database: Database; copies: ProductCopies; recheck: Recheck },
): void {
  server.put(
    '/products/:id/stock',
    {
      config: { access: 'operator' },
      schema: {
        summary: 'Set the pieces on hand; If-Match names the version the operator has seen',
        description:
          'Reservations and sales change the version too: what was counted while they moved has to be counted again.',
        security: [{ bearer: [] }],
        params: ProductParams,
        body: StockUpdate,
        headers: Type.Object({ 'if-match': Type.Optional(Type.String({ maxLength: 1000 })) }),
        response: { 200: Product, 412: StaleProblem, ...problemResponses },
      },
    },
    async (request, reply) => {
      const productId = request.params.id;
      const versions = seenVersions(request.headers['if-match']);
      const { onHand } = request.body;
      await failPoint('before-stock-write');
      let changed;
      try {
        changed = await setOnHand(database, { productId, versions, onHand });
        if (changed !== null) await failPoint('after-stock-write');
      } catch (error) {
        // What was lost may be no more than the answer.
        recheck.add([productId]);
        throw error;
      }
      if (changed !== null) {
        copies.invalidate([{ key: changed.product.productId, revision: changed.revision }]);
        reply.header('etag', entityTag(changed.version));
        return changed.product;
      }
      // From the row, not from a copy. Who has seen it is not to be shown an older one afterwards.
      const current = await findProduct(database, productId);
      if (current === null) throw new ProblemError('not-found', 'There is no such product.');
      copies.observe(current.product.productId, current.revision);
      reply.header('etag', entityTag(current.version));
      throw new ProblemError('version-mismatch', 'The product has changed since you looked at it.', {
        extra: { current: current.product },
      });
    },
  );
}

/** Versions the caller has seen. `*` names none, and so is as good as no header: the last writer must not just win. */
function seenVersions(header: string | undefined): string[] {
  const condition = header === undefined ? { any: true as const } : readCondition(header);
  if (condition === null) {
    throw new ProblemError('invalid-input', 'If-Match is not an entity tag as GET answers it.', { field: 'if-match' });
  }
  if (condition.any) {
    throw new ProblemError('precondition-required', 'Send If-Match with the ETag of the product you have seen.');
  }
  return condition.tags.filter(({ weak }) => !weak).map(({ tag }) => tag);
}
