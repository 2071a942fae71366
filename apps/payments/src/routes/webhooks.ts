/** Webhooks: believed only with a good signature, acknowledged only after the commit. */
import { paymentProviders } from '@ballast/contracts';
import { declareFailPoints, failPoint } from '@ballast/faults';
import { ProblemError, problemResponses, type HttpServer } from '@ballast/service';
import { Type } from 'typebox';
import { WebhookRejected, type WebhookEvidence } from '../clients/provider.ts';
import type { Providers } from '../clients/providers.ts';
import type { Driver } from '../driver.ts';
import type { Fact } from '../domain/payment.ts';
import type { PaymentStore } from '../store/payments.ts';

declareFailPoints({
  'before-webhook': 'a webhook’s signature is good and what it says is not recorded yet; detail: the provider',
  'after-webhook': 'what a webhook says is recorded and the provider is not answered yet; detail: the provider',
});

const Receipt = Type.Object({ received: Type.Literal(true), effect: Type.Enum(['applied', 'duplicate', 'ignored']) });
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

export function webhookRoutes(
  server: HttpServer,
  { store, driver, providers }: { store: PaymentStore; driver: Driver; providers: Providers },
): void {
  void server.register(async (scope) => {
    // The signature covers the bytes as they were sent: no parsing before it is checked.
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));

    for (const name of paymentProviders) {
      scope.post(
        `/webhooks/${name}`,
        {
          config: { access: 'public' },
          bodyLimit: 256 * 1024,
          schema: { response: { 200: Receipt, ...problemResponses } },
        },
        async (request) => {
          const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
          const evidence = await verify(providers, name, body, request.headers);
          requireStorable(evidence);
          const fact = toFact(evidence);
          // Not about one of our orders (an account is shared by many), or nothing we act on.
          if (fact === null || !uuid.test(evidence.orderId))
            return { received: true as const, effect: 'ignored' as const };
          const { eventId, type } = evidence;
          await failPoint('before-webhook', name);
          const applied = await store.fact(
            evidence.orderId,
            fact,
            { kind: 'webhook', provider: name, eventId, type },
            false,
          );
          await failPoint('after-webhook', name);
          if (applied.leased) driver.drive(applied.payment);
          return { received: true as const, effect: applied.fresh ? ('applied' as const) : ('duplicate' as const) };
        },
      );
    }
  });
}

async function verify(
  providers: Providers,
  name: (typeof paymentProviders)[number],
  body: Buffer,
  headers: Record<string, string | string[] | undefined>,
): Promise<WebhookEvidence> {
  try {
    return await providers[name].verifyWebhook(body, headers);
  } catch (error) {
    if (!(error instanceof WebhookRejected)) throw error;
    if (error.retryable) throw new ProblemError('unavailable', error.message, { cause: error });
    throw new ProblemError('invalid-signature', error.message, { extra: { reason: error.reason }, cause: error });
  }
}

/** Signed or not: what PostgreSQL's text cannot hold is no id of anything. */
function requireStorable({ eventId, type, fact }: WebhookEvidence): void {
  const texts = [eventId, type, fact.reference, fact.captureReference ?? ''];
  if (texts.every((text) => text.isWellFormed() && !text.includes('\u0000'))) return;
  throw new ProblemError(
    'invalid-input',
    'An id in the event must not contain control code zero or broken surrogates.',
  );
}

function toFact({ fact }: WebhookEvidence): Fact | null {
  const { kind, reference, amount, currency } = fact;
  switch (kind) {
    case 'authorized':
      return { kind, reference, amount, currency };
    case 'captured':
      return { kind, reference, captureReference: fact.captureReference ?? '', amount, currency };
    case 'voided':
      return { kind, amount, currency };
    case 'refunded':
      return { kind, amount, currency };
    // A decline is the answer to our own call, which is repeated until it comes: the webhook adds nothing, and one for
    // an earlier attempt with the same payment must not end it.
    case 'declined':
    case 'ignored':
      return null;
  }
}
