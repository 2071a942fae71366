// PayPal's API: OAuth, JSON bodies, errors and request ids around `paypal-payments.ts`.

import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { FormError, parseForm, type Form } from './form.ts';
import { debugId } from './identifiers.ts';
import { findMethod } from './methods.ts';
import { carryOut, type Outcome, type World } from './operations.ts';
import {
  authenticationFailure,
  internalError,
  invalidRequest,
  notFound,
  PayPalFailure,
  previousInProgress,
  unprocessable,
} from './paypal-errors.ts';
import { authorization, capture, payPalOrder, payPalRefund } from './paypal-objects.ts';
import {
  captureAuthorization,
  createOrder,
  found,
  orderOfAuthorization,
  orderOfCapture,
  refundCapture,
  voidAuthorization,
  type View,
} from './paypal-payments.ts';
import { payPalBodies } from './paypal-schemas.ts';

type ById = { Params: { id: string } };

/** Lifetime of an access token in seconds, as PayPal's: nine hours. */
const TOKEN_LIFETIME = 32_400;
const MAXIMUM_TOKENS = 1_000;

/** What PayPal's side needs to know about its one client. */
export type PayPalClient = { clientId: string; clientSecret: string };

/** Registers `/v1/oauth2/token`. Tokens live in memory: after a restart clients get a 401 and ask again. */
export class AccessTokens {
  readonly #tokens = new Map<string, number>();

  /** A new token; the oldest is forgotten when there are too many. */
  issue(): string {
    const token = `A21AA${randomBytes(36).toString('base64url')}`;
    this.#tokens.set(token, Date.now() + TOKEN_LIFETIME * 1000);
    const oldest = this.#tokens.keys().next().value;
    if (this.#tokens.size > MAXIMUM_TOKENS && oldest !== undefined) this.#tokens.delete(oldest);
    return token;
  }

  /** Whether the `Authorization` header carries a live token. */
  accepts(authorizationHeader: string | undefined): boolean {
    const [scheme, token = ''] = (authorizationHeader ?? '').split(' ');
    return scheme?.toLowerCase() === 'bearer' && (this.#tokens.get(token) ?? 0) > Date.now();
  }

  /** Forgets all tokens, as a restart does. */
  forgetAll(): void {
    this.#tokens.clear();
  }
}

/** Registers the token endpoint. */
export function payPalTokenRoute(app: FastifyInstance, tokens: AccessTokens, client: PayPalClient): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_request, body, done) => {
    try {
      done(null, parseForm(body as string));
    } catch (error) {
      done(error as Error);
    }
  });
  app.setErrorHandler((error, request, reply) => answerError(error, request, reply));
  app.post('/v1/oauth2/token', async (request, reply) => {
    const expected = `Basic ${Buffer.from(`${client.clientId}:${client.clientSecret}`).toString('base64')}`;
    const given = request.headers.authorization ?? '';
    if (!timingSafeEqual(digest(given), digest(expected))) {
      const error_description = 'Client Authentication failed';
      return reply.code(401).send({ error: 'invalid_client', error_description });
    }
    if ((request.body as Form | undefined)?.['grant_type'] !== 'client_credentials') {
      const error_description = 'Grant Type is NULL or not supported';
      return reply.code(400).send({ error: 'unsupported_grant_type', error_description });
    }
    return {
      scope: 'https://uri.paypal.com/services/payments/payment',
      access_token: tokens.issue(),
      token_type: 'Bearer',
      app_id: 'APP-STANDIN',
      expires_in: TOKEN_LIFETIME,
      nonce: `${new Date().toISOString()}${randomBytes(8).toString('hex')}`,
    };
  });
}

/** Registers PayPal's routes below `/v2`. */
export function payPalRoutes(app: FastifyInstance, world: World, tokens: AccessTokens, base: () => string): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, body, done) => {
    if (body === '') return done(null, {});
    try {
      return done(null, JSON.parse(body as string));
    } catch {
      const description = 'The request body is not JSON.';
      return done(invalidRequest({ issue: 'MALFORMED_REQUEST_JSON', description, location: 'body' }));
    }
  });
  app.addHook('onRequest', async (request, reply) => {
    reply.header('paypal-debug-id', debugId());
    if (!tokens.accepts(request.headers.authorization)) throw authenticationFailure();
  });
  app.setErrorHandler((error, request, reply) => answerError(error, request, reply));
  const view = (request: FastifyRequest): View => ({
    base: base(),
    representation: /(^|[,;\s])return=representation($|[,;\s])/.test(header(request, 'prefer') ?? ''),
  });

  app.post('/checkout/orders', async (request, reply) => {
    const body = payPalBodies.createOrder(request.body);
    if (header(request, 'paypal-request-id') === undefined) {
      const issue = 'PAYPAL_REQUEST_ID_REQUIRED';
      const description = 'A PayPal-Request-Id is required if you are trying to process payment for an Order.';
      throw invalidRequest({ issue, description });
    }
    const vaultId = body.payment_source.paypal.vault_id;
    const slow = findMethod('paypal', vaultId)?.behaviour.authorizationDelay;
    return change(world, request, reply, slow === undefined ? 0 : world.delays[slow], () =>
      createOrder(body, view(request)),
    );
  });
  app.post<ById>('/payments/authorizations/:id/capture', async (request, reply) => {
    const body = payPalBodies.capture(request.body);
    return change(world, request, reply, 0, () =>
      captureAuthorization(world.state, request.params.id, body, view(request)),
    );
  });
  app.post<ById>('/payments/authorizations/:id/void', async (request, reply) =>
    change(world, request, reply, 0, () => voidAuthorization(world.state, request.params.id, view(request))),
  );
  app.post<ById>('/payments/captures/:id/refund', async (request, reply) => {
    const body = payPalBodies.refund(request.body);
    return change(world, request, reply, 0, () => refundCapture(world.state, request.params.id, body, view(request)));
  });

  app.get<ById>('/checkout/orders/:id', async (request) =>
    read(world, () => payPalOrder(found(world.state.payPalOrders.get(request.params.id)), base())),
  );
  app.get<ById>('/payments/authorizations/:id', async (request) =>
    read(world, () => authorization(orderOfAuthorization(world.state, request.params.id), base())),
  );
  app.get<ById>('/payments/captures/:id', async (request) =>
    read(world, () => capture(orderOfCapture(world.state, request.params.id), base())),
  );
  app.get<ById>('/payments/refunds/:id', async (request) =>
    read(world, () => payPalRefund(found(world.state.payPalRefunds.get(request.params.id)), base())),
  );
  app.all('/*', async () => {
    throw notFound();
  });
}

async function read<Value>(world: World, make: () => Value): Promise<Value> {
  await world.journal.settled();
  return make();
}

async function change(
  world: World,
  request: FastifyRequest,
  reply: FastifyReply,
  delay: number,
  run: () => Outcome,
): Promise<FastifyReply> {
  const mock = mockedIssue(request);
  if (mock !== undefined) throw unprocessable(mock, 'Asked for by PayPal-Mock-Response.');
  const requestId = header(request, 'paypal-request-id');
  if (requestId !== undefined && (requestId.length === 0 || requestId.length > 108)) {
    const description = 'The PayPal-Request-Id must have 1 to 108 characters.';
    throw invalidRequest({ issue: 'INVALID_STRING_LENGTH', description });
  }
  // PayPal scopes ids by the kind of call and answers with the first request's result, whatever the body.
  const key = requestId === undefined ? undefined : `paypal ${request.url} ${requestId}`;
  const done = await carryOut(world, { key, fingerprint: '', requestId: requestId ?? '' }, delay, run);
  if (done === 'in_progress') throw previousInProgress();
  if (done === 'lost' || done === 'other_request') throw internalError();
  reply.code(done.status);
  return done.body === '' ? reply.send() : reply.type('application/json').send(done.body);
}

/** Sandbox's way to ask for an error: `PayPal-Mock-Response: {"mock_application_codes":"…"}`. */
function mockedIssue(request: FastifyRequest): string | undefined {
  const text = header(request, 'paypal-mock-response');
  if (text === undefined) return undefined;
  const match = /^\s*\{\s*"mock_application_codes"\s*:\s*"([A-Z_]{1,100})"\s*\}\s*$/.exec(text);
  if (match?.[1] !== undefined) return match[1];
  const description = 'PayPal-Mock-Response must be {"mock_application_codes":"…"}.';
  throw invalidRequest({ issue: 'INVALID_PARAMETER_VALUE', description });
}

function answerError(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  if (error instanceof PayPalFailure) return reply.code(error.status).send(error.body);
  const status = error instanceof FormError ? 400 : (error as { statusCode?: number }).statusCode;
  if (status !== undefined && status < 500) {
    const body = invalidRequest({ issue: 'INVALID_REQUEST', description: (error as Error).message }).body;
    return reply.code(status).send(body);
  }
  request.log.error({ error }, 'PayPal call failed');
  return reply.code(500).send(internalError().body);
}

function header(request: FastifyRequest, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value[0] : value;
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
