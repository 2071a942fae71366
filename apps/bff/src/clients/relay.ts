/** What of a request goes on to a service, and what of its answer comes back. Anything not named here does not. */
import { outgoingTraceparent, ProblemError } from '@ballast/service';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { UpstreamResponse } from './upstream.ts';

/** Answer headers that reach the caller as they are. */
const passedBack = [
  'content-type',
  'etag',
  'cache-control',
  'last-modified',
  'idempotent-replayed',
  'www-authenticate',
] as const;
const requestIdShape = /^[\x21-\x7e]{1,128}$/;
const headerValueShape = /^[\x20-\x7e]{1,2048}$/;

/**
 * Headers for the call to a service: trace, request id, the caller's token, and those of `names` the request has
 * (printable ASCII of at most 2,048 characters; anything else is a 400).
 */
export function forwardedHeaders(request: FastifyRequest, names: readonly string[] = []): string[] {
  const given = request.headers['x-request-id'];
  const requestId = typeof given === 'string' && requestIdShape.test(given) ? given : request.id;
  const headers = ['accept', 'application/json', 'traceparent', outgoingTraceparent(), 'x-request-id', requestId];
  const principal = request.principal as FastifyRequest['principal'] | undefined;
  if (principal !== null && principal !== undefined) headers.push('authorization', `Bearer ${principal.token}`);
  for (const name of names) {
    const value = request.headers[name];
    if (value === undefined) continue;
    if (typeof value !== 'string' || !headerValueShape.test(value)) {
      throw new ProblemError('bad-request', `The header ${name} cannot be used.`, { field: name });
    }
    headers.push(name, value);
  }
  return headers;
}

/** Answers up to this size, in bytes, leave in one write. */
const largestWholeBytes = 64 * 1024;

/** Answers with a service's answer, byte for byte. Its 5xx become 503 without their inside. */
export function relay(reply: FastifyReply, response: UpstreamResponse): FastifyReply {
  const { status, headers, body } = response;
  if (status >= 400 && !isPassable(response)) {
    throw new ProblemError('unavailable', 'Something this request needs failed. Try again in a moment.', {
      cause: new Error(`an upstream answered ${status}`),
    });
  }
  reply.code(status);
  for (const name of passedBack) {
    const value = headers[name];
    if (value !== undefined) reply.header(name, value);
  }
  if (headers['retry-after'] !== undefined) reply.header('retry-after', headers['retry-after']);
  else if (status === 503) reply.header('retry-after', '1');
  if (headers.location !== undefined) reply.header('location', ownLocation(headers.location));
  const servedBy = servedByOf(headers);
  if (servedBy !== undefined) reply.header('x-served-by', servedBy);
  if (status === 204 || status === 304) return reply.send(undefined);
  if (body.length > largestWholeBytes || reply.server.isClosing()) return reply.send(body);
  // Head and body as one string, byte for byte (latin1), leave in one write; Fastify's way makes two pieces of them.
  reply.hijack();
  reply.raw.writeHead(status, { ...(reply.getHeaders() as Record<string, string>), 'content-length': body.length });
  reply.raw.end(body.toString('latin1'), 'latin1');
  return reply;
}

/** The instances a service names: itself, and those it asked. */
export function servedByOf(headers: UpstreamResponse['headers']): string | undefined {
  const own = headers['x-instance'];
  const further = headers['x-served-by'];
  if (own === undefined) return undefined;
  return further === undefined ? String(own) : `${String(own)}, ${String(further)}`;
}

/** Errors go through when they are one of ours; what fails without a problem document shows nothing to callers. */
function isPassable({ status, headers }: UpstreamResponse): boolean {
  if (status >= 500 && status !== 503) return false;
  return headers['content-type']?.startsWith('application/problem+json') === true;
}

/** Services know their paths without the `/api` that callers see. */
function ownLocation(location: string): string {
  return location.startsWith('/') && !location.startsWith('//') ? `/api${location}` : location;
}
