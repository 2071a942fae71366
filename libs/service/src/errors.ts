/** Whatever goes wrong while a request is served leaves as problem+json, and as a log line only if it is our fault. */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import type { HttpServer } from './http.ts';
import { createReporter } from './reporter.ts';
import { problem, ProblemError, type ProblemCode } from './problem.ts';

/** Fastify's own error codes, and what they mean to a caller. */
const fastifyCodes: Record<string, { code: ProblemCode; detail: string }> = {
  FST_ERR_CTP_BODY_TOO_LARGE: { code: 'too-large', detail: 'The body is larger than this route accepts.' },
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: { code: 'bad-request', detail: 'Content-Length does not match the body.' },
  FST_ERR_CTP_INVALID_MEDIA_TYPE: { code: 'unsupported-media-type', detail: 'Send application/json.' },
  FST_ERR_CTP_EMPTY_JSON_BODY: { code: 'malformed-json', detail: 'The body is empty.' },
  FST_ERR_MAX_PARAM_LENGTH: { code: 'uri-too-long', detail: 'A part of the path is too long.' },
  FST_ERR_BAD_URL: { code: 'bad-request', detail: 'The path cannot be decoded.' },
};

/** Sets the error and not-found handlers. A `ProblemError` is answered as it is; anything unknown is a 500. */
export function installErrorHandling(server: HttpServer): void {
  const report = createReporter(server.log);
  server.setErrorHandler((error: FastifyError | ProblemError, request, reply) => {
    const known = asProblem(error);
    if (known.code === 'internal') {
      request.log.error({ err: error, method: request.method, route: request.routeOptions.url }, 'request failed');
    } else if (known.status >= 500) {
      // Told once in a while: while something is down every request ends here.
      report(`unavailable: ${request.method} ${request.routeOptions.url ?? ''}`, error);
    }
    return send(reply, request, known);
  });
  server.setNotFoundHandler((request, reply) =>
    send(reply, request, new ProblemError('not-found', 'There is nothing at this address.')),
  );
}

/** Errors of the router, which come before any handler (a path that cannot be decoded, a parameter too long). */
export function answerProblem(error: FastifyError, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  return send(reply, request, asProblem(error));
}

function send(reply: FastifyReply, request: FastifyRequest, error: ProblemError): FastifyReply {
  if (error.retryAfterSeconds !== undefined) reply.header('retry-after', String(error.retryAfterSeconds));
  // Closing on a body that is still being sent resets the connection, and the client may never read why.
  if (error.code === 'too-large' && !request.server.draining?.aborted) reply.removeHeader('connection');
  if (error.status === 401) reply.header('www-authenticate', 'Bearer');
  const document = problem(error, request.url.split('?')[0]);
  return reply
    .code(error.status)
    .header('content-type', 'application/problem+json; charset=utf-8')
    .serializer((value: unknown) => JSON.stringify(value))
    .send(document);
}

/** What an error means to the caller. Errors that name their own `problemCode` (postgres: unavailable) are heard. */
function asProblem(error: FastifyError | ProblemError): ProblemError {
  if (error instanceof ProblemError) return error;
  const validation = error.validation;
  if (Array.isArray(validation) && validation[0] instanceof ProblemError) return validation[0];
  const known = fastifyCodes[error.code];
  if (known !== undefined) return new ProblemError(known.code, known.detail, { cause: error });
  if ((error as { retryable?: unknown }).retryable === true) {
    return new ProblemError('unavailable', 'Something this service needs is not answering.', { cause: error });
  }
  const status = error.statusCode;
  if (status !== undefined && status >= 400 && status < 500) {
    return new ProblemError('bad-request', 'The request cannot be understood.', { cause: error });
  }
  return new ProblemError('internal', 'Something went wrong on our side.', { cause: error });
}

/**
 * Bytes that are not HTTP, headers that are too long or too slow: answered while the socket can still be written, unless
 * an answer has begun on it, whose reader would take ours for a part of that one.
 */
export function clientErrorHandler(instance: string): (error: NodeJS.ErrnoException, socket: Socket) => void {
  return (error, socket) => {
    // The parser complains of every further piece: an answer is on its way already.
    if (socket.writableEnded) return;
    const begun =
      (socket as Socket & { _httpMessage?: { headersSent: boolean } | null })._httpMessage?.headersSent === true;
    if (error.code === 'ECONNRESET' || !socket.writable || begun) {
      socket.destroy();
      return;
    }
    const known: ProblemError =
      error.code === 'HPE_HEADER_OVERFLOW'
        ? new ProblemError('headers-too-large', 'The header fields are too large.')
        : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
          ? new ProblemError('request-timeout', 'The request did not arrive in time.')
          : new ProblemError('bad-request', 'This is not an HTTP request.');
    endWith(socket, known, instance);
  };
}

/** Answers what Node itself would answer without a problem document, or not at all: expectations and tunnels. */
export function answerOddRequests(server: Server, instance: string): void {
  server.on('checkExpectation', (_request: IncomingMessage, response: ServerResponse) => {
    const body = JSON.stringify(problem(new ProblemError('expectation-failed', 'Only 100-continue can be expected.')));
    response
      .writeHead(417, { 'content-type': 'application/problem+json', 'x-instance': instance, connection: 'close' })
      .end(body);
  });
  server.on('connect', (_request: IncomingMessage, socket: Socket) => {
    endWith(socket, new ProblemError('method-not-allowed', 'This is not a proxy.'), instance);
  });
}

/** How long what a client still sends is thrown away after the answer, in ms: closing on it would reset the connection. */
const lingerMs = 1_000;

/** Writes a whole response past the HTTP machinery and ends the connection. */
function endWith(socket: Socket, known: ProblemError, instance: string): void {
  const body = JSON.stringify(problem(known));
  socket.end(
    `HTTP/1.1 ${known.status} ${known.code}\r\ncontent-type: application/problem+json\r\nx-instance: ${instance}\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
  setTimeout(() => socket.destroy(), lingerMs).unref();
}
