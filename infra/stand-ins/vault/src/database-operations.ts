/** `<mount>/…` of the database secrets engine: connections, roles, and credentials that really exist. */
import { Type } from 'typebox';
import { nothingThere, permissionDenied, VaultError } from './answers.ts';
import { systemSeconds } from './clock.ts';
import { graceAfterLease } from './database-roles.ts';
import { Duration, seconds } from './durations.ts';
import { type Call, operation, Texts, texts } from './operation.ts';
import { randomPassword, randomText } from './random.ts';
import { records, type State } from './state.ts';

const plugin = 'postgresql-database-plugin';

const ConfigBody = Type.Object({
  plugin_name: Type.Optional(Type.String()),
  connection_url: Type.Optional(Type.String({ pattern: '^postgres(ql)?://', maxLength: 2048 })),
  username: Type.Optional(Type.String({ maxLength: 63 })),
  password: Type.Optional(Type.String({ maxLength: 1024 })),
  allowed_roles: Type.Optional(Texts),
  verify_connection: Type.Optional(Type.Boolean()),
});

const RoleBody = Type.Object({
  db_name: Type.Optional(Type.String({ minLength: 1, maxLength: 128 })),
  creation_statements: Type.Optional(Texts),
  revocation_statements: Type.Optional(Texts),
  renew_statements: Type.Optional(Texts),
  default_ttl: Type.Optional(Duration),
  max_ttl: Type.Optional(Duration),
});

export const databaseOperations = [
  operation({
    verb: 'write',
    path: 'config/:name',
    body: ConfigBody,
    answer: async (call) => {
      const { body, vault } = call;
      const known = engineOf(call).configs[name(call)];
      const pluginName = body.plugin_name ?? known?.pluginName ?? '';
      if (pluginName !== plugin) throw new VaultError(400, `this stand-in knows only ${plugin}`);
      const config = {
        pluginName,
        connectionUrl: body.connection_url ?? known?.connectionUrl ?? '',
        username: body.username ?? known?.username ?? '',
        password: body.password ?? known?.password ?? '',
        allowedRoles: body.allowed_roles === undefined ? (known?.allowedRoles ?? []) : texts(body.allowed_roles, ','),
      };
      if (config.connectionUrl === '')
        throw new VaultError(400, 'error creating database object: connection_url cannot be empty');
      if (body.verify_connection !== false) await vault.connections.verify(config);
      engineOf(call).configs[name(call)] = config;
      await vault.store.save();
      return {};
    },
  }),
  operation({
    verb: 'read',
    path: 'config/:name',
    answer: (call) => {
      const config = engineOf(call).configs[name(call)];
      if (config === undefined) throw nothingThere();
      return {
        data: {
          plugin_name: config.pluginName,
          allowed_roles: config.allowedRoles,
          connection_details: { connection_url: config.connectionUrl, username: config.username },
          root_credentials_rotate_statements: [],
        },
      };
    },
  }),
  operation({
    verb: 'delete',
    path: 'config/:name',
    answer: async (call) => {
      delete engineOf(call).configs[name(call)];
      await call.vault.store.save();
      return {};
    },
  }),
  operation({ verb: 'list', path: 'config', answer: (call) => keysOf(engineOf(call).configs) }),
  operation({
    verb: 'write',
    path: 'roles/:name',
    body: RoleBody,
    answer: async (call) => {
      const { body } = call;
      const known = engineOf(call).roles[name(call)];
      const databaseName = body.db_name ?? known?.databaseName;
      if (databaseName === undefined) throw new VaultError(400, 'empty database name attribute');
      const role = {
        databaseName,
        creationStatements: statements(body.creation_statements, known?.creationStatements),
        revocationStatements: statements(body.revocation_statements, known?.revocationStatements),
        renewStatements: statements(body.renew_statements, known?.renewStatements),
        defaultSeconds: seconds(body.default_ttl, known?.defaultSeconds ?? 0),
        maximumSeconds: seconds(body.max_ttl, known?.maximumSeconds ?? 0),
      };
      if (role.maximumSeconds !== 0 && role.defaultSeconds > role.maximumSeconds) {
        throw new VaultError(400, `default_ttl exceeds max_ttl`);
      }
      engineOf(call).roles[name(call)] = role;
      await call.vault.store.save();
      return {};
    },
  }),
  operation({
    verb: 'read',
    path: 'roles/:name',
    answer: (call) => {
      const role = engineOf(call).roles[name(call)];
      if (role === undefined) throw nothingThere();
      return {
        data: {
          db_name: role.databaseName,
          creation_statements: role.creationStatements,
          revocation_statements: role.revocationStatements,
          renew_statements: role.renewStatements,
          rollback_statements: [],
          default_ttl: role.defaultSeconds,
          max_ttl: role.maximumSeconds,
          credential_type: 'password',
        },
      };
    },
  }),
  operation({
    verb: 'delete',
    path: 'roles/:name',
    answer: async (call) => {
      delete engineOf(call).roles[name(call)];
      await call.vault.store.save();
      return {};
    },
  }),
  operation({ verb: 'list', path: 'roles', answer: (call) => keysOf(engineOf(call).roles) }),
  operation({ verb: 'read', path: 'creds/:name', answer: async (call) => await lend(call) }),
];

/** Creates a role in PostgreSQL and lends it. Its name is `v-<who>-<role>-<20 random>-<unix time>`, as Vault's. */
async function lend(call: Call<unknown>) {
  const { vault, caller, mount } = call;
  const roleName = name(call);
  const role = engineOf(call).roles[roleName];
  if (role === undefined) throw new VaultError(400, `unknown role: ${roleName}`);
  const config = engineOf(call).configs[role.databaseName];
  if (config === undefined)
    throw new VaultError(500, `failed to find entry for connection with name: "${role.databaseName}"`);
  if (!config.allowedRoles.some((allowed) => allowed === '*' || allowed === roleName)) {
    throw new VaultError(500, `1 error occurred:\n\t* "${roleName}" is not an allowed role\n\n`);
  }
  if (caller === undefined) throw permissionDenied();
  const now = Date.now();
  const maximumSeconds = role.maximumSeconds === 0 ? systemSeconds : role.maximumSeconds;
  const lifetime = Math.min(role.defaultSeconds === 0 ? systemSeconds : role.defaultSeconds, maximumSeconds);
  const expiresAt = now + lifetime * 1000;
  const who = caller.token.displayName.slice(0, 8);
  const username = `v-${who}-${roleName.slice(0, 8)}-${randomText(20)}-${Math.floor(now / 1000)}`.slice(0, 63);
  const password = randomPassword();
  const leaseId = await vault.leases.issue(
    `${mount}/creds/${roleName}`,
    {
      tokenAccessor: caller.token.accessor,
      issuedAt: now,
      renewedAt: null,
      expiresAt,
      maximumAt: now + maximumSeconds * 1000,
      seconds: lifetime,
      revoking: false,
      mount,
      databaseName: role.databaseName,
      username,
      revocationStatements: role.revocationStatements,
      renewStatements: role.renewStatements,
    },
    async () =>
      await vault.connections.run(config, role.creationStatements, {
        name: username,
        password,
        expiration: new Date(expiresAt + graceAfterLease),
      }),
  );
  // The token may have been revoked while PostgreSQL worked; nothing would end this lease before its time then.
  if (!vault.tokens.isLive(caller.token.accessor)) {
    await vault.leases.revoke(leaseId);
    throw permissionDenied();
  }
  return { data: { username, password }, lease: { id: leaseId, seconds: lifetime, renewable: true } };
}

const name = ({ parameters }: Call<unknown>): string => parameters['name'] ?? '';

function engineOf({ vault, mount }: Call<unknown>): State['databases'][string] {
  return (vault.store.state.databases[mount] ??= { configs: records(), roles: records() });
}

function statements(given: string | readonly string[] | undefined, known: string[] | undefined): string[] {
  return given === undefined ? (known ?? []) : texts(given);
}

function keysOf(records: Readonly<Record<string, unknown>>) {
  const keys = Object.keys(records);
  if (keys.length === 0) throw nothingThere();
  return { data: { keys } };
}
