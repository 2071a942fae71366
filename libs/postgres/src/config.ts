/** Settings of a service's database: where it is, and where its login comes from. */
import { ConfigError } from '@ballast/service';
import { Type, type Static } from 'typebox';

/** Spread its `properties` into a service's own schema. The four of Vault are given together or not at all. */
export const PostgresConfig = Type.Object({
  /** With a login of its own, or, where Vault lends one, only host, port and database of it count. */
  POSTGRES_URL: Type.String({ pattern: '^postgres(ql)?://' }),
  /** Base URL of Vault. With it, logins are leased and rotated; without it, the one in POSTGRES_URL is used for good. */
  VAULT_ADDR: Type.Optional(Type.String({ pattern: '^https?://[^\\s?#]+$' })),
  /** AppRole to log in to Vault with, at `auth/approle`. */
  VAULT_ROLE_ID: Type.Optional(Type.String({ minLength: 1, maxLength: 1024 })),
  VAULT_SECRET_ID: Type.Optional(Type.String({ minLength: 1, maxLength: 1024 })),
  /** Role of the database secrets engine at `database/` that logins are leased from. */
  VAULT_DATABASE_ROLE: Type.Optional(Type.String({ pattern: '^[A-Za-z0-9_.-]+$', maxLength: 128 })),
  /** How long a pool may go on with what it has begun after another took over, in seconds. Default 15. */
  CREDENTIAL_GRACE_SECONDS: Type.Optional(Type.Integer({ minimum: 1, maximum: 300 })),
});
export type PostgresConfig = Static<typeof PostgresConfig>;

/** Where logins are leased. */
export interface VaultSettings {
  address: string;
  roleId: string;
  secretId: string;
  databaseRole: string;
}

const names = ['VAULT_ADDR', 'VAULT_ROLE_ID', 'VAULT_SECRET_ID', 'VAULT_DATABASE_ROLE'] as const;

/** Vault's settings, or undefined where the login is static. Throws a `ConfigError` where only some are set. */
export function vaultSettings(config: PostgresConfig): VaultSettings | undefined {
  const [address, roleId, secretId, databaseRole] = names.map((name) => config[name]);
  if (address !== undefined && roleId !== undefined && secretId !== undefined && databaseRole !== undefined) {
    if (new URL(config.POSTGRES_URL).hostname === '') {
      throw new ConfigError('POSTGRES_URL: needs a host when logins are leased from Vault');
    }
    return { address: address.replace(/\/+$/, ''), roleId, secretId, databaseRole };
  }
  const given = names.filter((name) => config[name] !== undefined);
  if (given.length === 0) return undefined;
  const missing = names.filter((name) => config[name] === undefined);
  throw new ConfigError(`${missing.join(', ')}: not set in the environment, though ${given.join(', ')} is`);
}
