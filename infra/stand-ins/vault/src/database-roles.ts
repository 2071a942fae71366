/** Roles in PostgreSQL that live as long as a lease. */
import { VaultError } from './answers.ts';
import type { Lease } from './state.ts';
import type { Vault } from './vault.ts';

/** What Vault's plugin runs when a role has no statements of its own. */
const defaultRenewal = `ALTER ROLE "{{name}}" VALID UNTIL '{{expiration}}'`;
const defaultRevocation = `DROP ROLE IF EXISTS "{{name}}"`;

/** Vault lets the database role outlive its lease by this, in milliseconds, so that it never ends first. */
export const graceAfterLease = 5000;

/** Removes the role of a lease. @throws VaultError 500 when PostgreSQL does not. */
export async function endRole(vault: Vault, lease: Lease): Promise<void> {
  await run(vault, lease, lease.revocationStatements, defaultRevocation);
}

/** Lets the role of a lease live until `expiresAt`, in milliseconds since 1970. @throws VaultError 500 when PostgreSQL does not. */
export async function prolongRole(vault: Vault, lease: Lease, expiresAt: number): Promise<void> {
  await run(vault, lease, lease.renewStatements, defaultRenewal, new Date(expiresAt + graceAfterLease));
}

async function run(
  vault: Vault,
  lease: Lease,
  statements: readonly string[],
  otherwise: string,
  expiration?: Date,
): Promise<void> {
  const config = vault.store.state.databases[lease.mount]?.configs[lease.databaseName];
  if (config === undefined)
    throw new VaultError(500, `failed to find entry for connection with name: "${lease.databaseName}"`);
  await vault.connections.run(config, statements.length === 0 ? [otherwise] : statements, {
    name: lease.username,
    ...(expiration === undefined ? {} : { expiration }),
  });
}
