/** Who calls: the session in the cookie, or a service with a bearer token. And whether a cookie may be believed. */
import fastifyCookie from '@fastify/cookie';
import { ProblemError, type HttpServer } from '@ballast/service';
import type { FastifyRequest } from 'fastify';
import { cookieName, type SessionCookies } from './cookie.ts';
import type { Sessions } from './sessions.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Id in the session cookie, anonymous or signed in; null without one, or when a bearer token is used instead. */
    sessionId: string | null;
  }
}

const safeMethods = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * Reads the cookie on every request of this scope and refuses state-changing ones that rely on it without the CSRF
 * token. `cookieOnly`: the cookie always counts, as it does for signing in and out; else `Authorization` wins, and
 * a request with neither is left for the authentication to refuse.
 */
export async function guardSession(
  scope: HttpServer,
  cookies: SessionCookies,
  options: { cookieOnly: boolean },
): Promise<void> {
  await scope.register(fastifyCookie);
  scope.decorateRequest('sessionId', null);
  scope.addHook('onRequest', (request, _reply, done) => {
    if (!options.cookieOnly && request.headers.authorization !== undefined) {
      done();
      return;
    }
    const id = cookies.read(request.cookies[cookieName]);
    request.sessionId = id;
    const reliesOnCookie = options.cookieOnly || id !== null;
    if (!reliesOnCookie || safeMethods.has(request.method)) {
      done();
    } else if (id !== null && cookies.isCsrfToken(id, request.headers['x-csrf-token'])) {
      done();
    } else {
      done(new ProblemError('invalid-csrf-token', 'Send the x-csrf-token that GET /api/session gave you.'));
    }
  });
}

/** For `authentication`: the bearer token of the request, else the access token of its session. */
export function tokenFrom(sessions: Sessions): (request: FastifyRequest) => Promise<string | null> {
  return async (request) => {
    const { authorization } = request.headers;
    if (authorization === undefined) {
      return request.sessionId === null ? null : ((await sessions.current(request.sessionId))?.accessToken ?? null);
    }
    const match = /^Bearer +([A-Za-z0-9._~+/=-]+)$/i.exec(authorization);
    if (match === null) throw new ProblemError('invalid-token', 'The Authorization header is not a bearer token.');
    return match[1]!;
  };
}
