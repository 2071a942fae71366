// Stripe's API: authentication, form bodies, headers, errors and idempotency around `stripe-payments.ts`.

import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { FormError, parseForm, type Form } from './form.ts';
import { stripeId } from './identifiers.ts';
import { findMethod } from './methods.ts';
import { carryOut, type Outcome, type World } from './operations.ts';
import { keyInUse, keyReused, noSuch, replyLost, StripeFailure, unauthorized } from './stripe-errors.ts';
import { paymentIntent, refund } from './stripe-objects.ts';
import {
  cancelPayment,
  capturePayment,
  createPayment,
  createRefund,
  existingPayment,
  type Cause,
} from './stripe-payments.ts';
import { stripeParameters } from './stripe-schemas.ts';

type ById = { Params: { id: string } };

const DEFAULT_API_VERSION = '2026-10-28.endive';

/** Registers Stripe's routes below `/v1`. */
export function stripeRoutes(app: FastifyInstance, world: World, secretKey: string): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_request, body, done) => {
    try {
      done(null, parseForm(body as string));
    } catch (error) {
      done(error as Error);
    }
  });
  app.addHook('onRequest', async (request, reply) => {
    reply.header('request-id', requestIdOf(request));
    authenticate(request, secretKey);
  });
  app.setErrorHandler((error, request, reply) => answerError(error, request, reply));

  app.post('/payment_intents', async (request, reply) => {
    const parameters = stripeParameters.createPayment(formOf(request));
    const slow = findMethod('stripe', parameters.payment_method)?.behaviour.authorizationDelay;
    return change(world, request, reply, slow === undefined ? 0 : world.delays[slow], (cause) =>
      createPayment(parameters, cause),
    );
  });
  app.get<ById>('/payment_intents/:id', async (request) => {
    stripeParameters.retrieve(queryOf(request));
    await world.journal.settled();
    return paymentIntent(existingPayment(world.state, request.params.id));
  });
  app.post<ById>('/payment_intents/:id/capture', async (request, reply) => {
    const parameters = stripeParameters.capture(formOf(request));
    return change(world, request, reply, 0, (cause) =>
      capturePayment(world.state, request.params.id, parameters, cause),
    );
  });
  app.post<ById>('/payment_intents/:id/cancel', async (request, reply) => {
    const parameters = stripeParameters.cancel(formOf(request));
    return change(world, request, reply, 0, (cause) =>
      cancelPayment(world.state, request.params.id, parameters, cause),
    );
  });
  app.post('/refunds', async (request, reply) => {
    const parameters = stripeParameters.createRefund(formOf(request));
    return change(world, request, reply, 0, (cause) => createRefund(world.state, parameters, cause));
  });
  app.get<ById>('/refunds/:id', async (request) => {
    await world.journal.settled();
    const entity = world.state.stripeRefunds.get(request.params.id);
    if (entity === undefined) throw noSuch('refund', request.params.id, 'refund');
    return refund(entity);
  });
  app.all('/*', async (request) => {
    throw new StripeFailure(404, {
      type: 'invalid_request_error',
      message: `Unrecognized request URL (${request.method}: ${request.url.slice(0, 200)}). The stand-in knows payment_intents and refunds.`,
    });
  });
}

async function change(
  world: World,
  request: FastifyRequest,
  reply: FastifyReply,
  delay: number,
  run: (cause: Cause) => Outcome,
): Promise<FastifyReply> {
  const key = header(request, 'idempotency-key');
  if (key !== undefined && key.length > 255) {
    throw new StripeFailure(400, {
      type: 'idempotency_error',
      message: 'Idempotency keys may be no longer than 255 characters.',
    });
  }
  const requestId = requestIdOf(request);
  const apiVersion = header(request, 'stripe-version') ?? DEFAULT_API_VERSION;
  const fingerprint = createHash('sha256')
    .update(`${request.method} ${request.url} ${canonical(formOf(request))}`)
    .digest('base64url');
  const call = { key: key === undefined ? undefined : `stripe ${key}`, fingerprint, requestId };
  const done = await carryOut(world, call, delay, () => run({ apiVersion, requestId, key }));
  if (done === 'in_progress') throw keyInUse(key ?? '');
  if (done === 'other_request') throw keyReused(key ?? '');
  if (done === 'lost') throw replyLost();
  if (key !== undefined) reply.header('idempotency-key', key);
  if (done.replayOf !== undefined) {
    reply.header('idempotent-replayed', 'true').header('original-request', done.replayOf);
  }
  return reply.code(done.status).header('stripe-version', apiVersion).type('application/json').send(done.body);
}

function authenticate(request: FastifyRequest, secretKey: string): void {
  const authorization = header(request, 'authorization');
  const [scheme, credentials = ''] = (authorization ?? '').split(' ');
  if (authorization === undefined) throw unauthorized(undefined);
  const key =
    scheme?.toLowerCase() === 'basic'
      ? (Buffer.from(credentials, 'base64').toString('utf8').split(':')[0] ?? '')
      : credentials;
  if (!timingSafeEqual(digest(key), digest(secretKey))) throw unauthorized(key);
}

function answerError(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  if (error instanceof StripeFailure) return reply.code(error.status).send({ error: error.body });
  const status = (error as { statusCode?: number }).statusCode;
  if (error instanceof FormError || (status !== undefined && status < 500)) {
    return reply.code(error instanceof FormError ? 400 : (status ?? 400)).send({
      error: { type: 'invalid_request_error', message: (error as Error).message },
    });
  }
  request.log.error({ error }, 'Stripe call failed');
  const message = 'An unknown error occurred';
  return reply.code(500).send({ error: { type: 'api_error', message } });
}

const requestIds = new WeakMap<FastifyRequest, string>();

function requestIdOf(request: FastifyRequest): string {
  const known = requestIds.get(request);
  if (known !== undefined) return known;
  const made = stripeId('req').slice(0, 18);
  requestIds.set(request, made);
  return made;
}

function formOf(request: FastifyRequest): Form {
  return (request.body ?? {}) as Form;
}

function queryOf(request: FastifyRequest): Form {
  return parseForm(request.url.split('?')[1] ?? '');
}

function header(request: FastifyRequest, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value[0] : value;
}

function canonical(form: Form): string {
  const parts = Object.keys(form)
    .toSorted()
    .map((key) => {
      const value = form[key] ?? '';
      return `${JSON.stringify(key)}:${typeof value === 'string' ? JSON.stringify(value) : canonical(value)}`;
    });
  return `{${parts.join(',')}}`;
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
