/** What operators read: verdicts, and transitions. */
import { Moves, Verdicts } from '@ballast/contracts';
import { ProblemError, problemResponses, type HttpServer } from '@ballast/service';
import { Type } from 'typebox';
import { faultsOf, type Board, type FaultState } from '../domain/board.ts';
import type { Follower } from '../follower.ts';

const MovesQuery = Type.Object(
  { after: Type.Optional(Type.String({ pattern: '^[0-9a-f]{1,20}-[0-9]{1,15}$' })) },
  { additionalProperties: false },
);

export function verdictRoutes(
  server: HttpServer,
  { board, faults, follower }: { board: Board; faults: () => FaultState; follower: Follower },
): void {
  const operator = { access: 'operator' as const };
  server.get(
    '/verdicts',
    {
      config: operator,
      schema: {
        summary: 'Each invariant as it was judged last',
        security: [{ bearer: [] }],
        response: { 200: Verdicts, ...problemResponses },
      },
    },
    async (_request, reply) => {
      reply.header('cache-control', 'no-store');
      return { at: new Date().toISOString(), items: board.verdicts(), ...faultsOf(faults()) };
    },
  );

  server.get(
    '/moves',
    {
      config: operator,
      schema: {
        summary: 'Transitions of all sagas since a cursor, oldest first; without one, those of the last ten seconds',
        security: [{ bearer: [] }],
        querystring: MovesQuery,
        response: { 200: Moves, ...problemResponses },
      },
    },
    async (request, reply) => {
      reply.header('cache-control', 'no-store');
      try {
        return await follower.moves(request.query.after);
      } catch (error) {
        throw new ProblemError('unavailable', 'The rows of sagas cannot be read at this moment.', { cause: error });
      }
    },
  );
}
