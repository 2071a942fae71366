/** `sys/leases/…`, and the older paths that clients still use. */
import { Type } from 'typebox';
import { VaultError } from './answers.ts';
import { Duration, seconds, timestamp } from './durations.ts';
import { operation } from './operation.ts';

const LeaseId = Type.String({ minLength: 1, maxLength: 1024 });
const Renewal = Type.Object({ lease_id: LeaseId, increment: Type.Optional(Duration) });
const Revocation = Type.Object({ lease_id: LeaseId, sync: Type.Optional(Type.Boolean()) });

export const leaseOperations = [
  ...['leases/renew', 'renew'].map((path) =>
    operation({
      verb: 'write',
      path,
      body: Renewal,
      answer: async ({ vault, body }) => {
        const granted = await vault.leases.renew(body.lease_id, seconds(body.increment, 0));
        return {
          lease: { id: body.lease_id, seconds: granted.seconds, renewable: true },
          warnings: granted.warnings,
        };
      },
    }),
  ),
  operation({
    verb: 'write',
    path: 'leases/lookup',
    body: Type.Object({ lease_id: LeaseId }),
    answer: ({ vault, body }) => {
      const lease = vault.leases.all[body.lease_id];
      if (lease === undefined) throw new VaultError(400, 'invalid lease');
      return {
        data: {
          id: body.lease_id,
          issue_time: timestamp(lease.issuedAt),
          expire_time: timestamp(lease.expiresAt),
          last_renewal: lease.renewedAt === null ? null : timestamp(lease.renewedAt),
          renewable: !lease.revoking,
          ttl: Math.max(0, Math.round((lease.expiresAt - Date.now()) / 1000)),
        },
      };
    },
  }),
  ...['leases/revoke', 'revoke'].map((path) =>
    operation({
      verb: 'write',
      path,
      body: Revocation,
      answer: async ({ vault, body }) => {
        if (body.sync === true) {
          try {
            await vault.leases.revoke(body.lease_id);
          } catch (error) {
            // Vault calls this a bad request, whatever was in the way.
            if (!(error instanceof VaultError)) throw error;
            throw new VaultError(400, `failed to revoke entry: ${error.message}`);
          }
          return {};
        }
        // Done by the clock, a moment later.
        await vault.leases.revokeLater(body.lease_id);
        return { status: 202 };
      },
    }),
  ),
  ...['leases/revoke-prefix', 'revoke-prefix'].map((path) =>
    operation({
      verb: 'write',
      path: `${path}/*prefix`,
      sudo: true,
      answer: async ({ vault, parameters }) => {
        await vault.leases.revokePrefix(parameters['prefix'] ?? '');
        return {};
      },
    }),
  ),
  operation({
    verb: 'list',
    path: 'leases/lookup/*prefix',
    sudo: true,
    answer: ({ vault, parameters }) => {
      const prefix = `${(parameters['prefix'] ?? '').replace(/\/$/, '')}/`;
      const keys = Object.keys(vault.leases.all).flatMap((id) =>
        id.startsWith(prefix) ? [id.slice(prefix.length)] : [],
      );
      return { data: { keys } };
    },
  }),
];
