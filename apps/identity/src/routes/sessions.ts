/** `POST /refresh` and `POST /logout`. */
import { RefreshRequest, TokenPair } from '@ballast/contracts';
import { problemResponses, type HttpServer } from '@ballast/service';
import { Type } from 'typebox';
import type { Sessions } from '../sessions.ts';
import { noQuery, refuseContent } from './schemas.ts';

/** Adds the routes by which sessions go on and end. */
export function addSessionRoutes(server: HttpServer, { sessions }: { sessions: Sessions }): void {
  server.post(
    '/refresh',
    {
      config: { access: 'public' },
      schema: {
        summary: 'Exchange a refresh token for a new pair; reuse ends the session',
        querystring: noQuery,
        body: RefreshRequest,
        response: { 200: TokenPair, ...problemResponses },
      },
    },
    async (request, reply) => {
      reply.header('cache-control', 'no-store');
      return sessions.refresh(request.body.refreshToken);
    },
  );

  server.post(
    '/logout',
    {
      schema: {
        summary: 'End the session the access token belongs to',
        security: [{ bearer: [] }],
        querystring: noQuery,
        response: { 204: Type.Null(), ...problemResponses },
      },
      preValidation: async (request) => refuseContent(request.body),
    },
    async (request, reply) => {
      await sessions.end(request.principal!);
      return reply.code(204).send(null);
    },
  );
}
