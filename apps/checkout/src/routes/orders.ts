/** Placing orders and reading them. */
import { createHash, randomUUIDv7 } from 'node:crypto';
import { Order, OrderAccepted, OrderPage, OrderParams, OrderQuery, PlaceOrder } from '@ballast/contracts';
import { declareFailPoints, defect, failPoint } from '@ballast/faults';
import { ProblemError, problemResponses, type HttpServer } from '@ballast/service';
import { Type } from 'typebox';
import type { CatalogClient } from '../clients/catalog.ts';
import { canonicalRequest, priceOrder } from '../domain/pricing.ts';
import type { NewOrder, OrderStore } from '../store/orders.ts';

declareFailPoints({
  'before-pricing': 'an order has come and catalog is not asked for prices yet',
  'before-order': 'an order is priced and not stored yet',
  'after-order': 'an order is stored, its saga has begun, and its customer is not answered yet',
});

const IdempotencyHeader = Type.Object({
  'idempotency-key': Type.Optional(Type.String({ maxLength: 200, pattern: '^[\\x21-\\x7e]*$' })),
});

/** Larger than any UUIDv7: the first page has no order to start after. */
const afterAll = 'ffffffff-ffff-ffff-ffff-ffffffffffff';

export interface OrderRoutes {
  store: OrderStore;
  catalog: CatalogClient;
  /** Stores the order and starts its saga in one commit; false when its idempotency key is taken. */
  startOrder: (order: NewOrder) => Promise<boolean>;
}

export function orderRoutes(server: HttpServer, { store, catalog, startOrder }: OrderRoutes): void {
  server.post(
    '/orders',
    { schema: { body: PlaceOrder, headers: IdempotencyHeader, response: { 202: OrderAccepted, ...problemResponses } } },
    async (request, reply) => {
      const idempotencyKey = request.headers['idempotency-key'];
      if (idempotencyKey === undefined || idempotencyKey === '') {
        throw new ProblemError('missing-idempotency-key', 'Send an Idempotency-Key header.', {
          field: 'Idempotency-Key',
        });
      }
      const { userId, token } = request.principal!;
      const fingerprint = createHash('sha256').update(canonicalRequest(request.body)).digest('base64url');
      const accepted = (orderId: string) =>
        reply
          .code(202)
          .header('location', `/orders/${orderId}`)
          .send({ orderId, state: 'Initiated' as const });

      /** What was answered under this key before; null when it is free. */
      const replay = async () => {
        const existing = await store.findByKey(userId, idempotencyKey);
        if (existing === null) return null;
        if (existing.fingerprint !== fingerprint) {
          throw new ProblemError('idempotency-key-reused', 'This Idempotency-Key belongs to another request.', {
            field: 'Idempotency-Key',
          });
        }
        reply.header('idempotent-replayed', 'true');
        return accepted(existing.orderId);
      };

      let priced;
      try {
        await failPoint('before-pricing');
        const productIds = request.body.lines.map((line) => line.productId);
        const pricing = priceOrder(request.body.lines, await catalog.quote(productIds, token));
        if (!pricing.ok) throw new ProblemError(pricing.code, pricing.detail, { field: pricing.field });
        priced = pricing;
      } catch (error) {
        // A replay needs no prices: it must work while the catalog is away, or has dropped a product since.
        const before = await replay();
        if (before !== null) return before;
        throw error;
      }
      const id = randomUUIDv7();
      const { payment } = request.body;
      const lines = priced.lines.map(({ productId, quantity }) => ({ productId, quantity }));
      await failPoint('before-order');
      const order = {
        id,
        userId,
        // A planted defect: no caller's key has a space in it.
        idempotencyKey: defect('checkout.ignore-key') ? `${idempotencyKey} ${id}` : idempotencyKey,
        fingerprint,
        lines: priced.lines,
        total: priced.total,
        payment,
        context: { lines, total: priced.total, payment, reason: null },
      };
      const started = defect('checkout.answer-unstored') || (await startOrder(order));
      await failPoint('after-order');
      if (started) return accepted(id);
      const before = await replay();
      if (before !== null) return before;
      throw new ProblemError('in-progress', 'The same request is being worked on.', { retryAfterSeconds: 1 });
    },
  );

  server.get(
    '/orders',
    { schema: { querystring: OrderQuery, response: { 200: OrderPage, ...problemResponses } } },
    async (request) => {
      const { cursor, limit = 20, state } = request.query;
      const { userId, roles } = request.principal!;
      const before = cursor === undefined ? afterAll : readCursor(cursor);
      if (state !== undefined && !roles.includes('operator'))
        throw new ProblemError('forbidden', 'Only operators see the orders of others.', { field: 'state' });
      const items = await (state === undefined
        ? store.list(userId, before, limit + 1)
        : store.listInReview(before, limit + 1));
      const page = items.slice(0, limit);
      const nextCursor = items.length > limit ? Buffer.from(page.at(-1)!.orderId).toString('base64url') : null;
      return { items: page, nextCursor };
    },
  );

  server.get(
    '/orders/:id',
    { schema: { params: OrderParams, response: { 200: Order, ...problemResponses } } },
    async (request, reply) => {
      const order = await findOrder(store, request.params.id, request.principal!);
      reply.header('cache-control', 'no-store');
      return order;
    },
  );
}

/** The order, or 404: whether somebody else's order exists is nobody's business. */
export async function findOrder(
  store: OrderStore,
  orderId: string,
  caller: { userId: string; roles: readonly string[] },
): Promise<Order> {
  const order = await store.find(orderId, caller.userId, caller.roles.includes('operator'));
  if (order === null) throw new ProblemError('not-found', 'You have no such order.');
  return order;
}

function readCursor(cursor: string): string {
  const id = Buffer.from(cursor, 'base64url').toString();
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id)) {
    throw new ProblemError('invalid-input', 'cursor is not one this service has given out.', { field: 'cursor' });
  }
  return id;
}
