/** `POST /claims`: filing a claim, once per key. */
import { Claim, CreateClaim } from '@ballast/contracts';
import { defect } from '@ballast/faults';
import { ProblemError, problemResponses, type HttpServer, type Principal } from '@ballast/service';
import { Type } from 'typebox';
import { fingerprintOf } from '../domain/claims.ts';
import type { Measures } from '../measures.ts';
import type { Filed, NewClaim } from '../store/filing.ts';

const IdempotencyHeader = Type.Object({
  'idempotency-key': Type.Optional(Type.String({ maxLength: 200, pattern: '^[\\x21-\\x7e]*$' })),
});

export interface FilingRoute {
  /** Files a claim, or finds the one under its key; null when its order is not known yet. */
  file: (claim: NewClaim) => Promise<Filed | null>;
  /** Makes the caller's completed order known, or says why it cannot be claimed. */
  learnOrder: (orderId: string, caller: Principal) => Promise<void>;
  measures: Measures;
}

export function filingRoute(server: HttpServer, { file, learnOrder, measures }: FilingRoute): void {
  server.post(
    '/claims',
    {
      schema: {
        summary: 'Claim a completed order; the first request under an Idempotency-Key files, the others read',
        description: 'A replay answers 200 with the claim as it stands now and `idempotent-replayed: true`.',
        security: [{ bearer: [] }],
        body: CreateClaim,
        headers: IdempotencyHeader,
        response: { 200: Claim, 201: Claim, ...problemResponses },
      },
    },
    async (request, reply) => {
      const idempotencyKey = request.headers['idempotency-key'];
      if (idempotencyKey === undefined || idempotencyKey === '') {
        throw new ProblemError('missing-idempotency-key', 'Send an Idempotency-Key header.', {
          field: 'Idempotency-Key',
        });
      }
      const caller = request.principal!;
      const body = { ...request.body, orderId: request.body.orderId.toLowerCase() };
      const claim = { ...body, userId: caller.userId, idempotencyKey, fingerprint: fingerprintOf(body) };

      let filed = await file(claim);
      if (filed === null) {
        await learnOrder(claim.orderId, caller);
        filed = await file(claim);
      }
      if (filed === null) {
        // Checkout named an order as this caller's that is known as somebody else's.
        throw new ProblemError('unknown-order', 'You have no such order, so there is nothing to claim.', {
          field: 'orderId',
        });
      }
      if (filed.fingerprint !== claim.fingerprint && !defect('claims.no-fingerprint')) {
        measures.filed('key-reused');
        throw new ProblemError('idempotency-key-reused', 'This Idempotency-Key belongs to another request.', {
          field: 'Idempotency-Key',
        });
      }
      measures.filed(filed.first ? 'first' : 'replayed');
      if (!filed.first) reply.header('idempotent-replayed', 'true');
      return reply
        .code(filed.first ? 201 : 200)
        .header('location', `/claims/${filed.claim.claimId}`)
        .send(filed.claim);
    },
  );
}
