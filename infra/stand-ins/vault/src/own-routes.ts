/** `/_stand-in/…`: what no Vault has, for labs and tests. The root token opens them, also while sealed or hanging. */
import type { FastifyInstance } from 'fastify';
import { Type, type Static } from 'typebox';
import { permissionDenied } from './answers.ts';
import { timestamp } from './durations.ts';
import type { Vault } from './vault.ts';

const longestHang = 600_000;

const Hang = Type.Object(
  { milliseconds: Type.Integer({ minimum: 0, maximum: longestHang }) },
  { additionalProperties: false },
);
const ModeBody = Type.Object(
  { mode: Type.Union([Type.Literal('active'), Type.Literal('standby'), Type.Literal('uninitialised')]) },
  { additionalProperties: false },
);

/** One lease, as `GET /_stand-in/leases` lists it. */
export type LeaseListing = {
  leaseId: string;
  username: string;
  tokenAccessor: string;
  issuedAt: string;
  expiresAt: string;
  revoking: boolean;
};

/** Every lease there is, the oldest first. */
export function listLeases(vault: Vault): LeaseListing[] {
  return Object.entries(vault.leases.all)
    .toSorted(([, one], [, other]) => one.issuedAt - other.issuedAt)
    .map(([leaseId, lease]) => ({
      leaseId,
      username: lease.username,
      tokenAccessor: lease.tokenAccessor,
      issuedAt: timestamp(lease.issuedAt),
      expiresAt: timestamp(lease.expiresAt),
      revoking: lease.revoking,
    }));
}

/** Adds the routes to the server. */
export async function ownRoutes(
  server: FastifyInstance,
  vault: Vault,
  secretOf: (headers: object) => string | undefined,
) {
  server.addHook('onRequest', async (request) => {
    if (!vault.tokens.find(secretOf(request.headers)).root) throw permissionDenied();
  });
  server.get('/leases', async () => listLeases(vault));
  server.put<{ Body: Static<typeof Hang> }>('/hang', { schema: { body: Hang } }, async (request, reply) => {
    vault.hangsUntil = Date.now() + request.body.milliseconds;
    return reply.code(204).send();
  });
  server.put<{ Body: Static<typeof ModeBody> }>('/mode', { schema: { body: ModeBody } }, async (request, reply) => {
    vault.mode = request.body.mode;
    return reply.code(204).send();
  });
}
