/** The visitor's session, and signing in and out. */
import { Credentials, LoginResponse, RegisterResponse, Session, type TokenPair } from '@ballast/contracts';
import { problemResponses, ProblemError, type HttpServer } from '@ballast/service';
import type { FastifyReply } from 'fastify';
import { Type } from 'typebox';
import { LoginRequest, type Identity } from '../clients/identity.ts';
import { relay } from '../clients/relay.ts';
import { newAnonymousId, type SessionCookies } from '../session/cookie.ts';
import type { Sessions } from '../session/sessions.ts';

/** In the lab the pages are told so. */
const SessionAnswer = Type.Object({ ...Session.properties, lab: Type.Optional(Type.Literal(true)) });

interface Parts {
  sessions: Sessions;
  cookies: SessionCookies;
  identity: Identity;
}

export function sessionRoutes(scope: HttpServer, parts: Parts & { labMode: boolean }): void {
  const { sessions, cookies } = parts;

  scope.get(
    '/api/session',
    { schema: { tags: ['session'], response: { 200: SessionAnswer, ...problemResponses } } },
    async (request, reply) => {
      const id = request.sessionId ?? newAnonymousId();
      const signedIn = request.sessionId === null ? null : await sessions.current(id);
      cookies.give(reply.header('cache-control', 'no-store'), id);
      return {
        user: signedIn?.profile ?? null,
        csrfToken: cookies.csrfToken(id),
        ...(parts.labMode ? { lab: true as const } : {}),
      };
    },
  );

  scope.post(
    '/api/auth/logout',
    { schema: { tags: ['session'], response: { 204: Type.Null(), ...problemResponses } } },
    async (request, reply) => {
      if (request.sessionId !== null) await sessions.signOut(request.sessionId);
      // A fresh anonymous id, so that nothing of the ended session is left in the browser.
      cookies.give(reply.header('cache-control', 'no-store'), newAnonymousId());
      return reply.code(204).send(null);
    },
  );
}

/** Whoever knows a password gets in. Costly for identity: hashing is slow on purpose. */
export function credentialRoutes(scope: HttpServer, { sessions, cookies, identity }: Parts): void {
  const enter = async (reply: FastifyReply, previousId: string | null, tokens: TokenPair): Promise<void> => {
    const id = await sessions.signIn(previousId, tokens);
    cookies.give(reply.header('cache-control', 'no-store'), id);
  };

  scope.post(
    '/api/auth/register',
    { schema: { tags: ['session'], body: Credentials, response: { 201: RegisterResponse, ...problemResponses } } },
    async (request, reply) => {
      const registered = await identity.register(request.body);
      if (!registered.ok) return relay(reply, registered.response);
      const login = await identity.login(request.body);
      if (!login.ok) {
        throw new ProblemError('unavailable', 'The account is made, but signing in did not work yet. Sign in with it.');
      }
      await enter(reply, request.sessionId, login.value);
      return reply.code(201).send({ user: login.value.user });
    },
  );

  scope.post(
    '/api/auth/login',
    { schema: { tags: ['session'], body: LoginRequest, response: { 200: LoginResponse, ...problemResponses } } },
    async (request, reply) => {
      const login = await identity.login(request.body);
      if (!login.ok) return relay(reply, login.response);
      await enter(reply, request.sessionId, login.value);
      return { user: login.value.user };
    },
  );
}
