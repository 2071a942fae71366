/** Reading claims, and the operator's decision about one. */
import { Claim, ClaimDecision, ClaimPage, ClaimParams, ClaimQuery } from '@ballast/contracts';
import type { Outbox } from '@ballast/outbox';
import type { Database } from '@ballast/postgres';
import { outgoingTraceparent, ProblemError, problemResponses, type HttpServer, type Principal } from '@ballast/service';
import { decisionBehind } from '../domain/claims.ts';
import type { Measures } from '../measures.ts';
import { findClaim, listClaimsByState, listOwnClaims } from '../store/claims.ts';
import { decideClaim } from '../store/decisions.ts';
import { readCursor, writeCursor } from './cursor.ts';

const isOperator = (caller: Principal): boolean => caller.roles.includes('operator');

export function claimRoutes(
  server: HttpServer,
  { database, outbox, measures }: { database: Database; outbox: Outbox; measures: Measures },
): void {
  /** Whether somebody else's claim exists is nobody's business. */
  const find = async (claimId: string, caller: Principal): Promise<Claim> => {
    const claim = await findClaim(database, claimId, { userId: caller.userId, seesAll: isOperator(caller) });
    if (claim === null) throw new ProblemError('not-found', 'You have no such claim.');
    return claim;
  };

  server.get(
    '/claims',
    {
      schema: {
        summary: 'Claims, newest first: one’s own, or for operators everybody’s in a state',
        security: [{ bearer: [] }],
        querystring: ClaimQuery,
        response: { 200: ClaimPage, ...problemResponses },
      },
    },
    async (request, reply) => {
      const { cursor, limit = 20, state } = request.query;
      const caller = request.principal!;
      // One more than asked for: it tells whether there is another page.
      const page = { before: readCursor(cursor), limit: limit + 1 };
      if (state !== undefined && !isOperator(caller))
        throw new ProblemError('forbidden', 'Only operators see claims by their state.', { field: 'state' });
      const found =
        state === undefined
          ? await listOwnClaims(database, caller.userId, page)
          : await listClaimsByState(database, state, page);
      const items = found.slice(0, limit);
      reply.header('cache-control', 'no-store');
      return { items, nextCursor: found.length > limit ? writeCursor(items.at(-1)!.claimId) : null };
    },
  );

  server.get(
    '/claims/:id',
    {
      schema: {
        summary: 'One claim, for its owner and for operators',
        security: [{ bearer: [] }],
        params: ClaimParams,
        response: { 200: Claim, ...problemResponses },
      },
    },
    async (request, reply) => {
      reply.header('cache-control', 'no-store');
      return await find(request.params.id, request.principal!);
    },
  );

  server.post(
    '/claims/:id/decision',
    {
      config: { access: 'operator' },
      schema: {
        summary: 'Grant or refuse an open claim; a grant gives the order’s money back',
        description: 'To grant again where the refund was refused asks for it once more.',
        security: [{ bearer: [] }],
        params: ClaimParams,
        body: ClaimDecision,
        response: { 200: Claim, ...problemResponses },
      },
    },
    async (request) => {
      const claimId = request.params.id;
      const { decision, note = null } = request.body;
      const traceparent = outgoingTraceparent();
      const outcome = await decideClaim(database, outbox, { claimId, decision, note, traceparent });
      if (outcome === 'taken') {
        throw new ProblemError(
          'conflict',
          'Another claim for the same order has been granted already, and its money goes back only once.',
        );
      }
      if (outcome !== 'not-open') {
        measures.reached(outcome.state);
        return outcome;
      }
      const claim = await find(claimId, request.principal!);
      if (claim.state === 'refund-refused' && decision === 'grant')
        throw new ProblemError(
          'conflict',
          'This claim’s refund was refused; look at the claim before you grant it again.',
        );
      if (decisionBehind[claim.state] === decision) return claim;
      throw new ProblemError('conflict', `This claim is ${claim.state}; a decision is made once.`);
    },
  );
}
