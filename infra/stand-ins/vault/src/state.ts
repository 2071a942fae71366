/** Everything the stand-in remembers, as it stands in its file. Times are milliseconds since 1970, lifetimes seconds. */
import { Type, type Static } from 'typebox';

const Time = Type.Integer({ minimum: 0 });
const Seconds = Type.Integer({ minimum: 0 });

const Mount = Type.Object({ type: Type.String(), accessor: Type.String(), description: Type.String() });

const AppRole = Type.Object({
  roleId: Type.String(),
  policies: Type.Array(Type.String()),
  /** Lifetimes of tokens; 0 is the mount's default, 32 days. */
  tokenSeconds: Seconds,
  tokenMaximumSeconds: Seconds,
  secretIdSeconds: Seconds,
  /** Uses allowed for a secret id; 0 is any number. */
  secretIdUses: Seconds,
  /** By SHA-256 of the secret id. */
  secretIds: Type.Record(
    Type.String(),
    Type.Object({
      accessor: Type.String(),
      createdAt: Time,
      expiresAt: Type.Union([Time, Type.Null()]),
      usesLeft: Type.Union([Type.Integer(), Type.Null()]),
    }),
  ),
});

const Token = Type.Object({
  accessor: Type.String(),
  displayName: Type.String(),
  path: Type.String(),
  policies: Type.Array(Type.String()),
  meta: Type.Record(Type.String(), Type.String()),
  issuedAt: Time,
  expiresAt: Time,
  /** Renewals end here. */
  maximumAt: Time,
  /** What it was first given. */
  seconds: Seconds,
  renewable: Type.Boolean(),
});

const Lease = Type.Object({
  /** Of the token that asked for it; the lease ends with it. */
  tokenAccessor: Type.String(),
  issuedAt: Time,
  renewedAt: Type.Union([Time, Type.Null()]),
  expiresAt: Time,
  maximumAt: Time,
  /** Default of a renewal that does not say. */
  seconds: Seconds,
  /** Asked for and not yet done: tried again until it is. */
  revoking: Type.Boolean(),
  /** What was created, with the statements that undo and prolong it as they stood then. */
  mount: Type.String(),
  databaseName: Type.String(),
  username: Type.String(),
  revocationStatements: Type.Array(Type.String()),
  renewStatements: Type.Array(Type.String()),
});

const DatabaseConfig = Type.Object({
  pluginName: Type.String(),
  connectionUrl: Type.String(),
  username: Type.String(),
  password: Type.String(),
  allowedRoles: Type.Array(Type.String()),
});

const DatabaseRole = Type.Object({
  databaseName: Type.String(),
  creationStatements: Type.Array(Type.String()),
  revocationStatements: Type.Array(Type.String()),
  renewStatements: Type.Array(Type.String()),
  defaultSeconds: Seconds,
  maximumSeconds: Seconds,
});

const SecretVersion = Type.Object({
  version: Type.Integer(),
  createdAt: Time,
  deletedAt: Type.Union([Time, Type.Null()]),
  data: Type.Record(Type.String(), Type.Unknown()),
});

const TransitKey = Type.Object({
  type: Type.String(),
  /** PKCS#8 in PEM, the oldest first. */
  versions: Type.Array(Type.Object({ privateKey: Type.String(), createdAt: Time })),
});

const byName = <Value extends Parameters<typeof Type.Record>[1]>(value: Value) => Type.Record(Type.String(), value);

/** The file's schema; what is stored below a mount is kept by the mount's path. */
export const State = Type.Object({
  version: Type.Literal(1),
  mounts: byName(Mount),
  auths: byName(Mount),
  policies: byName(Type.String()),
  appRoles: byName(byName(AppRole)),
  /** By SHA-256 of the token. */
  tokens: byName(Token),
  leases: byName(Lease),
  databases: byName(Type.Object({ configs: byName(DatabaseConfig), roles: byName(DatabaseRole) })),
  keyValues: byName(byName(Type.Array(SecretVersion))),
  transits: byName(byName(TransitKey)),
});

export type State = Static<typeof State>;
export type AppRole = Static<typeof AppRole>;
export type Token = Static<typeof Token>;
export type Lease = Static<typeof Lease>;
export type DatabaseConfig = Static<typeof DatabaseConfig>;
export type DatabaseRole = Static<typeof DatabaseRole>;
export type SecretVersion = Static<typeof SecretVersion>;
export type TransitKey = Static<typeof TransitKey>;

/** A record that has no keys but its own: names come from outside, and `constructor` is one like any other. */
export function records<Value>(): Record<string, Value> {
  return Object.create(null) as Record<string, Value>;
}

/** What a new stand-in begins with, like Vault's dev mode: a kv version 2 at `secret/`, tokens, nothing else. */
export function emptyState(): State {
  return {
    version: 1,
    mounts: { secret: { type: 'kv', accessor: 'kv_standin', description: 'key/value secret storage' } },
    auths: { token: { type: 'token', accessor: 'auth_token_standin', description: 'token based credentials' } },
    policies: {},
    appRoles: {},
    tokens: {},
    leases: {},
    databases: {},
    keyValues: { secret: {} },
    transits: {},
  };
}
