/**
 * `/api/lab/services/<instance>/<rest>` → `/lab/<rest>` on that very instance, with the operator's own token: the service
 * decides once more who may do what. Dead letters, which exist outside the lab as well, are the one exception in the path.
 */
import { ProblemError, type HttpServer } from '@ballast/service';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import type { InstanceRequest, Instances } from '../../clients/instances.ts';
import { forwardedHeaders, relay } from '../../clients/relay.ts';
import { labTimeoutMs } from './asking.ts';

const bodyLimit = 16 * 1024;
const methods = ['GET', 'POST', 'PUT', 'DELETE'] as const;
/** The path as it was sent: plain segments without any escapes, so that nothing means two things on two servers. */
const shape =
  /^\/api\/lab\/services\/([a-z][a-z0-9-]{0,39})((?:\/[A-Za-z0-9_~-][A-Za-z0-9._~-]{0,99}){1,6})(\?[A-Za-z0-9._~=&%:+,-]{0,500})?$/;
const deadLetters = new Set(['/dead-letters', '/dead-letters/replay']);
const Rest = Type.Object({ instance: Type.String(), '*': Type.String() });

export function handThroughRoutes(lab: HttpServer, instances: Instances): void {
  for (const method of methods) {
    lab.route({
      method,
      url: '/api/lab/services/:instance/*',
      exposeHeadRoute: false,
      bodyLimit,
      schema: { params: Rest },
      handler: (request, reply) => handThrough(lab, instances, method, request, reply),
    });
  }
}

async function handThrough(
  server: HttpServer,
  instances: Instances,
  method: InstanceRequest['method'],
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const match = shape.exec(request.raw.url ?? '');
  if (match === null) throw new ProblemError('bad-request', 'Only plain names and paths can be handed through.');
  const [, name = '', rest = '', query = ''] = match;
  const path = `${deadLetters.has(rest) ? rest : `/lab${rest}`}${query}`;
  const headers = forwardedHeaders(request);
  const body = request.body === undefined || request.body === null ? null : JSON.stringify(request.body);
  if (body !== null) headers.push('content-type', 'application/json');
  reply.header('cache-control', 'no-store');
  if (name === 'bff') return await askItself(server, { method, path, headers, body, timeoutMs: labTimeoutMs }, reply);
  const answer = await instances.get(name).ask({ method, path, headers, body, timeoutMs: labTimeoutMs });
  return relay(reply, answer);
}

/** The bff's own lab routes, without going through the network; token and role are checked again on the way. */
async function askItself(server: HttpServer, request: InstanceRequest, reply: FastifyReply): Promise<FastifyReply> {
  const { method, path, body } = request;
  const headers: Record<string, string> = { host: 'bff' };
  for (let place = 0; place + 1 < request.headers.length; place += 2) {
    headers[request.headers[place]!] = request.headers[place + 1]!;
  }
  const answer = await server.inject({ method, url: path, headers, ...(body === null ? {} : { payload: body }) });
  const contentType = answer.headers['content-type'];
  if (contentType !== undefined) reply.header('content-type', contentType);
  const retryAfter = answer.headers['retry-after'];
  if (retryAfter !== undefined) reply.header('retry-after', retryAfter);
  return reply
    .code(answer.statusCode)
    .serializer((text: unknown) => String(text))
    .send(answer.body);
}
