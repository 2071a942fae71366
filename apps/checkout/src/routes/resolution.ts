/** What operators decide about orders that machines could not settle. */
import { Order, OrderParams, OrderResolution } from '@ballast/contracts';
import type { Decision } from '@ballast/saga';
import { ProblemError, problemResponses, type HttpServer } from '@ballast/service';
import { decisionEvents } from '../domain/place-order.ts';
import type { OrderStore } from '../store/orders.ts';
import { findOrder } from './orders.ts';

export interface ResolutionRoutes {
  store: OrderStore;
  /** Makes the transition; false when the order is not, or no longer, where the operator saw it. */
  decide: (decision: Decision) => Promise<boolean>;
}

export function resolutionRoutes(server: HttpServer, { store, decide }: ResolutionRoutes): void {
  server.post(
    '/orders/:id/resolution',
    {
      config: { access: 'operator' },
      schema: { params: OrderParams, body: OrderResolution, response: { 200: Order, ...problemResponses } },
    },
    async (request) => {
      const principal = request.principal!;
      const { decision, note } = request.body;
      const order = await findOrder(store, request.params.id, principal);
      const decided =
        order.state === 'RequiresReview' &&
        (await decide({
          id: order.orderId,
          event: decisionEvents[decision],
          version: order.history.at(-1)!.seq,
          by: principal.userId,
          note,
        }));
      if (decided) return findOrder(store, order.orderId, principal);
      const { state } = await findOrder(store, order.orderId, principal);
      throw new ProblemError('conflict', `The order does not wait for this decision: it is ${state}.`, {
        extra: { state },
      });
    },
  );
}
