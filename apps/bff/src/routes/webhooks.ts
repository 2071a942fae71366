/** Payment providers' webhooks, handed to payments byte for byte: their signatures cover the raw body. */
import { problemResponses, type HttpServer } from '@ballast/service';
import { forwardedHeaders, relay } from '../clients/relay.ts';
import { writeLimits } from '../clients/requests.ts';
import type { Upstream } from '../clients/upstream.ts';

const bodyLimit = 256 * 1024;

/** Headers each provider's signature needs. */
const signatureHeaders = {
  stripe: ['stripe-signature'],
  paypal: [
    'paypal-transmission-id',
    'paypal-transmission-time',
    'paypal-transmission-sig',
    'paypal-cert-url',
    'paypal-auth-algo',
  ],
} as const;

/** Register in a scope of its own: bodies are not parsed in it. */
export function webhookRoutes(scope: HttpServer, payments: Upstream): void {
  scope.removeAllContentTypeParsers();
  scope.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit }, (_request, body, done) => done(null, body));

  for (const [provider, names] of Object.entries(signatureHeaders)) {
    const path = `/webhooks/${provider}`;
    scope.post(
      path,
      { bodyLimit, schema: { tags: ['webhooks'], response: problemResponses } },
      async (request, reply) => {
        const headers = forwardedHeaders(request, ['content-type', ...names]);
        const body = Buffer.isBuffer(request.body) ? request.body : null;
        return relay(reply, await payments.send({ method: 'POST', path, headers, body, ...writeLimits }));
      },
    );
  }
}
