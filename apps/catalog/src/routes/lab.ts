/** The lab's view of the cache: what each tier and the row hold, a stampede on a cold key, and the row itself. */
import { LabCacheEntry, LabRows, LabStampede, LabStampedeResult, ProductParams } from '@ballast/contracts';
import type { Database } from '@ballast/postgres';
import { ProblemError, problemResponses, type HttpServer } from '@ballast/service';
import type { ProductCopies, ProductCopy } from '../copies.ts';
import { findProduct, findRow, findStatement, setOnHandStatement } from '../store/products.ts';

/** Adds the routes; the caller puts `/lab` in front. */
export function cacheLabRoutes(
  lab: HttpServer,
  { database, copies, instance }: { database: Database; copies: ProductCopies; instance: string },
): void {
  lab.get(
    '/products/:id/row',
    { schema: { params: ProductParams, response: { 200: LabRows, ...problemResponses } } },
    async ({ params }) => {
      const row = await findRow(database, params.id);
      if (row === null) throw new ProblemError('not-found', 'There is no such product.');
      return { rows: [row], statement: setOnHandStatement.text.trim() };
    },
  );

  lab.get(
    '/cache/products/:id',
    { schema: { params: ProductParams, response: { 200: LabCacheEntry, ...problemResponses } } },
    async ({ params }) => {
      // The tiers first: what they hold may be older than the row that is looked at after them, never newer.
      const { l1, l2 } = await copies.inspect(params.id.toLowerCase());
      const row = await findProduct(database, params.id);
      return {
        instance,
        l1: l1 === null ? null : { ...held(l1.value), ageMilliseconds: l1.ageMs },
        l2: l2 === null ? null : held(l2.value),
        row: row === null ? null : { version: row.version, onHand: row.product.onHand },
        subscribed: copies.subscribed,
        totals: { ...copies.totals },
      };
    },
  );

  lab.post(
    '/cache/stampede',
    { schema: { body: LabStampede, response: { 200: LabStampedeResult, ...problemResponses } } },
    async ({ body: { callers, singleFlight, productId } }) => {
      const key = productId.toLowerCase();
      await copies.drop(key);
      const asked = { redis: 0, source: 0 };
      const startedAt = performance.now();
      const times = await Promise.all(
        Array.from({ length: callers }, async () => {
          const found = await copies.get(key, {
            singleFlight,
            onAsked: (whom) => {
              asked[whom] += 1;
            },
          });
          if (found === null) throw new ProblemError('not-found', 'There is no such product.');
          return performance.now() - startedAt;
        }),
      );
      times.sort((a, b) => a - b);
      return {
        databaseReads: asked.source,
        redisReads: asked.redis,
        milliseconds: {
          p50: times[Math.floor(times.length / 2)]!,
          max: times.at(-1)!,
          all: performance.now() - startedAt,
        },
        statement: findStatement.text.trim(),
      };
    },
  );
}

const held = ({ version, onHand }: ProductCopy): { version: string; onHand: number } => ({ version, onHand });
