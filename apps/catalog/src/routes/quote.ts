/** Prices for checkout: what an order's products are called and cost now. */
import { QuoteRequest, QuoteResponse } from '@ballast/contracts';
import { declareFailPoints, failPoint } from '@ballast/faults';
import type { Database } from '@ballast/postgres';
import { problemResponses, type HttpServer } from '@ballast/service';
import { quoteProducts } from '../store/products.ts';

declareFailPoints({ 'before-quote': 'checkout has asked for prices and they are not read yet' });

/** `POST /products/quote`. */
export function quoteRoutes(server: HttpServer, database: Database): void {
  server.post(
    '/products/quote',
    {
      schema: {
        summary: 'Names and prices by product id; unknown ids are not in the answer',
        security: [{ bearer: [] }],
        body: QuoteRequest,
        response: { 200: QuoteResponse, ...problemResponses },
      },
    },
    async (request) => {
      await failPoint('before-quote');
      return { items: await quoteProducts(database, request.body.productIds) };
    },
  );
}
