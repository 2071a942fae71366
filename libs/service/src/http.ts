/** The HTTP server every service uses: schemas checked, errors as problem+json, limits set, health and metrics. */
import type { IncomingMessage } from 'node:http';
import { Server as NetServer } from 'node:net';
import { Problem } from '@ballast/contracts';
import { declareFailPoints, failPoint, faultsEnabled, listArmed } from '@ballast/faults';
import swagger from '@fastify/swagger';
import Fastify, {
  LogController,
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyRequest,
  type FastifyTypeProvider,
  type RawReplyDefaultExpression,
  type RawRequestDefaultExpression,
  type RawServerDefault,
} from 'fastify';
import { type Static, type TSchema } from 'typebox';
import { authentication, bearerVerifier } from './auth.ts';
import { answerOddRequests, answerProblem, clientErrorHandler, installErrorHandling } from './errors.ts';
import { readinessCheck, type ReadinessCheck } from './health.ts';
import { addLabRoutes, commonLabRoutes } from './lab.ts';
import type { Logger } from './logger.ts';
import { createHttpMetrics } from './http-metrics.ts';
import type { Metrics } from './metrics.ts';
import { ProblemError } from './problem.ts';
import { createReporter } from './reporter.ts';
import { createRevocationView, identityRevocations, type RevocationView } from './revocation.ts';
import { runInTrace } from './trace.ts';
import { compileValidator, parseJson } from './validation.ts';
import { recordCalls } from './wire.ts';

interface TypeBoxProvider extends FastifyTypeProvider {
  validator: this['schema'] extends TSchema ? Static<this['schema']> : unknown;
  serializer: this['schema'] extends TSchema ? Static<this['schema']> : unknown;
}

declare module 'fastify' {
  interface FastifyInstance {
    /** From now on: not ready, and long-lived streams are told to end. Requests are still taken. */
    startDraining(): void;
    /** Takes no new connections; those that exist are served once more and closed. Resolves when all are gone. */
    closeConnections(): Promise<void>;
    /** Aborted when draining starts; streams (SSE) end on it. */
    draining: AbortSignal;
    /** Whether answers must announce that their connection closes; Fastify's own do. */
    isClosing(): boolean;
  }
}

/** A Fastify instance whose handlers get their types from TypeBox schemas. */
export type HttpServer = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  TypeBoxProvider
>;

export interface HttpServerOptions {
  name: string;
  instance: string;
  logger: Logger;
  metrics: Metrics;
  /** What `/readyz` asks. */
  checks: readonly ReadinessCheck[];
  /** Issuer of the access tokens callers bring; its keys are fetched from it. Without one the caller registers `authentication`. */
  issuer?: string;
  /** Where the issuer is reached. Default: the issuer itself is its address. */
  identityAddress?: string | undefined;
  /** Largest request body, in bytes. */
  bodyLimit?: number;
}

declareFailPoints({ 'http.request': 'a request has arrived and is not handled yet; lab, metrics and health aside' });

/** Builds the server with everything in contract.md "Every HTTP service"; the caller adds routes. */
export async function createHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  const logger: FastifyBaseLogger = options.logger;
  const drainingController = new AbortController();
  const server: HttpServer = Fastify({
    loggerInstance: logger,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: options.bodyLimit ?? 64 * 1024,
    // A request must have arrived whole within this time, headers sooner (see below). Responses may take longer.
    requestTimeout: 10_000,
    connectionTimeout: 0,
    keepAliveTimeout: 65_000,
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    exposeHeadRoutes: true,
    routerOptions: { maxParamLength: 200, ignoreTrailingSlash: false },
    trustProxy: false,
    clientErrorHandler: clientErrorHandler(options.instance),
    // Node looks at the clocks every 30 s only, and answers a missing Host without a word: see `instrument`.
    http: { headersTimeout: 5_000, connectionsCheckingInterval: 1_000, requireHostHeader: false },
    // No hook has run for these.
    frameworkErrors: (error, request, reply) =>
      void answerProblem(error, request, reply.header('x-instance', options.instance)),
    requestIdHeader: false,
    genReqId: () => crypto.randomUUID(),
  }).withTypeProvider<TypeBoxProvider>();
  server.server.maxRequestsPerSocket = 0;

  server.setValidatorCompiler(compileValidator);
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('application/json', { parseAs: 'string' }, parseJson);
  installErrorHandling(server);
  answerOddRequests(server.server, options.instance);

  server.decorate('draining', drainingController.signal);
  server.decorate('startDraining', () => drainingController.abort());
  const closing = { now: false };
  server.decorate('isClosing', () => closing.now);
  server.decorate('closeConnections', () => closeConnections(server, closing));
  instrument(server, options, closing);
  recordCalls(server, options);

  await server.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: `Ballast ${options.name}`, version: '1.0.0' },
      components: { securitySchemes: { bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } } },
    },
  });
  if (options.issuer !== undefined) {
    const address = options.identityAddress ?? options.issuer;
    const jwksUrl = new URL(`${address}/.well-known/jwks.json`);
    await server.register(authentication, {
      verify: bearerVerifier({ issuer: options.issuer, jwksUrl }),
      revocations: followRevocations(address, logger, options.metrics),
    });
    await addLabRoutes(server, commonLabRoutes);
  }
  addOperationalRoutes(server, options, drainingController.signal);
  return server;
}

/** The view of revoked tokens that a service has which reaches identity at `address`, with its metric and its complaints. */
export function followRevocations(
  address: string,
  logger: Pick<FastifyBaseLogger, 'warn'>,
  metrics: Metrics,
): RevocationView {
  const report = createReporter(logger);
  const view = createRevocationView({
    source: identityRevocations(address),
    // A moment without identity is nothing to report: it restarts, too.
    onError: (error) => {
      if (view.age() > 2_000) report('identity cannot be asked for revoked tokens', error);
    },
  });
  metrics.gauge(
    'revocation_view_age_seconds',
    'Time since identity was last heard about revoked tokens.',
    [],
    (gauge) => gauge.set(view.age() / 1000),
  );
  return view;
}

/** How long an idle connection may still bring a request after the listener has closed, in ms. */
const lastCallMs = 500;
/** Pause between looks for connections that have fallen idle since, in ms. */
const idleLookMs = 100;

/**
 * The listener goes first, by itself: `http.Server.close` would cut idle connections in the same moment, and with them
 * requests that are already on their way. Each connection then gets one more answer, which says `connection: close`.
 */
async function closeConnections(server: HttpServer, closing: { now: boolean }): Promise<void> {
  closing.now = true;
  const gone = new Promise<void>((resolve) => {
    NetServer.prototype.close.call(server.server, () => resolve());
  });
  const called = performance.now();
  // Again and again: an answer that began before (a stream, say) could not announce that its connection would close.
  const lastCall = setInterval(() => {
    if (performance.now() - called >= lastCallMs) server.server.closeIdleConnections();
  }, idleLookMs);
  await gone;
  clearInterval(lastCall);
}

/** Trace context, `x-instance`, metrics, and `connection: close` at the end. */
function instrument(server: HttpServer, options: HttpServerOptions, closing: { now: boolean }): void {
  const count = createHttpMetrics(options.metrics);
  server.addHook('onRequest', (request, reply, done) => {
    reply.header('x-instance', options.instance);
    const incoming = request.headers.traceparent;
    runInTrace(typeof incoming === 'string' ? incoming : undefined, () => done(unaddressed(request.raw)));
  });
  // What operates the service and the lab stays reachable while its requests are made to fail.
  if (faultsEnabled()) server.addHook('preValidation', (request, _reply, done) => passFailPoint(request, done));
  // Not before the answer: many a request is already being served when the end begins.
  server.addHook('onSend', (_request, reply, _payload, done) => {
    if (closing.now) reply.header('connection', 'close');
    done();
  });
  server.addHook('onResponse', (request, reply, done) => {
    count(request, reply);
    done();
  });
}

/** Passes the fail point of every request; without a promise while nothing is armed. */
function passFailPoint(request: FastifyRequest, done: (error?: Error) => void): void {
  if (listArmed().length > 0) {
    const { url, schema } = request.routeOptions;
    if (url === undefined || schema?.hide === true) {
      done();
      return;
    }
  }
  let waiting: Promise<void> | undefined;
  try {
    waiting = failPoint('http.request');
  } catch (error) {
    done(error instanceof Error ? error : new Error(String(error)));
    return;
  }
  if (waiting === undefined) done();
  else void afterwards(waiting, done);
}

async function afterwards(waiting: Promise<void>, done: (error?: Error) => void): Promise<void> {
  await waiting;
  done();
}

/** Requests that do not say what they are for (RFC 9112, 3.2); `*` is there for OPTIONS only, which nobody answers here. */
function unaddressed({ headers, httpVersion, url }: IncomingMessage): ProblemError | undefined {
  if (headers.host === undefined && httpVersion === '1.1')
    return new ProblemError('bad-request', 'The Host header is missing.');
  return url === '*' ? new ProblemError('bad-request', 'An asterisk is not an address.') : undefined;
}

function addOperationalRoutes(server: HttpServer, options: HttpServerOptions, draining: AbortSignal): void {
  const open = { config: { access: 'public' as const }, schema: { hide: true } };
  server.get('/healthz', open, async () => ({ status: 'alive', instance: options.instance }));
  server.get('/readyz', open, async (_request, reply) => {
    const failing = draining.aborted ? { process: 'shutting down' } : await readinessCheck(options.checks);
    const ready = Object.keys(failing).length === 0;
    if (!ready) reply.header('retry-after', '1');
    return reply
      .code(ready ? 200 : 503)
      .send({ status: ready ? 'ready' : 'not ready', instance: options.instance, failing });
  });
  server.get('/metrics', open, async (_request, reply) => {
    reply.type(options.metrics.registry.contentType);
    return options.metrics.registry.metrics();
  });
  server.get('/openapi.json', open, async () => server.swagger());
}

/** Response schemas for the errors any route can answer with; spread into `schema.response`. */
export const problemResponses = { '4xx': Problem, '5xx': Problem } as const;
