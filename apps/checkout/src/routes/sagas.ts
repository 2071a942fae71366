/** The saga's definition, for whoever draws it. */
import { SagaDiagram } from '@ballast/contracts';
import { diagram } from '@ballast/saga';
import type { HttpServer } from '@ballast/service';
import { placeOrder } from '../domain/place-order.ts';

export function sagaRoutes(server: HttpServer): void {
  const drawn = diagram(placeOrder);
  server.get(
    '/sagas/place-order',
    { config: { access: 'public' }, schema: { response: { 200: SagaDiagram } } },
    async (_request, reply) => {
      reply.header('cache-control', 'public, max-age=60');
      return drawn;
    },
  );
}
