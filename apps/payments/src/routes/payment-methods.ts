/** What can be paid with, as the connected providers say. */
import { PaymentMethods } from '@ballast/contracts';
import { problemResponses, type HttpServer } from '@ballast/service';
import type { Providers } from '../clients/providers.ts';

export function paymentMethodRoutes(server: HttpServer, providers: Providers): void {
  server.get(
    '/payment-methods',
    { config: { access: 'public' }, schema: { response: { 200: PaymentMethods, ...problemResponses } } },
    async (_request, reply) => {
      reply.header('cache-control', 'public, max-age=30');
      return providers.listMethods();
    },
  );
}
