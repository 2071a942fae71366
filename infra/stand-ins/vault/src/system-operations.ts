/** `sys/…`: health, seal, mounts, auth methods, policies. */
import { Type } from 'typebox';
import { type Answer, nothingThere, VaultError } from './answers.ts';
import { operation } from './operation.ts';
import { parsePolicy } from './policies.ts';
import { randomText } from './random.ts';
import { records } from './state.ts';
import type { Vault } from './vault.ts';

const version = '1.20.0-standin';

const statusCode = /^[1-5][0-9]{2}$/;
const Name = Type.String({ minLength: 1, maxLength: 128 });
const MountBody = Type.Object({ type: Name, description: Type.Optional(Type.String({ maxLength: 1000 })) });

const engines = ['database', 'kv', 'transit'];
const authMethods = ['approle'];

export const systemOperations = [
  operation({
    verb: 'read',
    path: 'health',
    open: true,
    whenSealed: true,
    answer: ({ vault, query }) => health(vault, query),
  }),
  operation({
    verb: 'read',
    path: 'seal-status',
    open: true,
    whenSealed: true,
    answer: ({ vault }) => ({ raw: sealStatus(vault) }),
  }),
  operation({
    verb: 'write',
    path: 'unseal',
    open: true,
    whenSealed: true,
    body: Type.Object({ key: Type.Optional(Type.String({ maxLength: 1024 })), reset: Type.Optional(Type.Boolean()) }),
    answer: ({ vault, body }) => {
      if (body.reset !== true) vault.unseal(body.key ?? '');
      return { raw: sealStatus(vault) };
    },
  }),
  operation({
    verb: 'write',
    path: 'seal',
    sudo: true,
    answer: ({ vault }) => {
      vault.sealed = true;
      return {};
    },
  }),
  operation({ verb: 'read', path: 'mounts', answer: ({ vault }) => ({ data: listed(vault.store.state.mounts) }) }),
  operation({
    verb: 'write',
    path: 'mounts/:mount',
    body: MountBody,
    answer: async ({ vault, parameters, body }) => {
      const { state } = vault.store;
      const mount = parameters['mount'] ?? '';
      if (state.mounts[mount] !== undefined) throw new VaultError(400, `path is already in use at ${mount}/`);
      if (!engines.includes(body.type)) throw new VaultError(400, `plugin not found in the catalog: ${body.type}`);
      state.mounts[mount] = {
        type: body.type,
        accessor: `${body.type}_${randomText(8)}`,
        description: body.description ?? '',
      };
      if (body.type === 'database') state.databases[mount] = { configs: records(), roles: records() };
      if (body.type === 'kv') state.keyValues[mount] = records();
      if (body.type === 'transit') state.transits[mount] = records();
      await vault.store.save();
      return {};
    },
  }),
  operation({
    verb: 'delete',
    path: 'mounts/:mount',
    answer: async ({ vault, parameters }) => {
      const mount = parameters['mount'] ?? '';
      await vault.leases.revokePrefix(`${mount}/`);
      if (Object.keys(vault.leases.all).some((id) => id.startsWith(`${mount}/`))) {
        throw new VaultError(500, `leases below ${mount}/ could not be revoked`);
      }
      const { state } = vault.store;
      for (const records of [state.mounts, state.databases, state.keyValues, state.transits]) delete records[mount];
      await vault.store.save();
      return {};
    },
  }),
  operation({ verb: 'read', path: 'auth', answer: ({ vault }) => ({ data: listed(vault.store.state.auths) }) }),
  operation({
    verb: 'write',
    path: 'auth/:mount',
    sudo: true,
    body: MountBody,
    answer: async ({ vault, parameters, body }) => {
      const { state } = vault.store;
      const mount = parameters['mount'] ?? '';
      if (state.auths[mount] !== undefined) throw new VaultError(400, `path is already in use at ${mount}/`);
      if (!authMethods.includes(body.type)) throw new VaultError(400, `plugin not found in the catalog: ${body.type}`);
      state.auths[mount] = {
        type: body.type,
        accessor: `auth_${body.type}_${randomText(8)}`,
        description: body.description ?? '',
      };
      state.appRoles[mount] = records();
      await vault.store.save();
      return {};
    },
  }),
  ...['policies/acl', 'policy'].flatMap((path) => policyOperations(path)),
];

function policyOperations(path: string) {
  return [
    operation({
      verb: 'list',
      path,
      answer: ({ vault }) => ({
        data: { keys: [...new Set(['default', ...Object.keys(vault.store.state.policies), 'root'])] },
      }),
    }),
    operation({
      verb: 'read',
      path: `${path}/:name`,
      answer: ({ vault, parameters }) => {
        const name = parameters['name'] ?? '';
        const policy = vault.policy(name);
        if (policy === undefined) throw nothingThere();
        return { data: { name, policy, rules: policy } };
      },
    }),
    operation({
      verb: 'write',
      path: `${path}/:name`,
      body: Type.Object({
        policy: Type.Optional(Type.String({ maxLength: 65_536 })),
        rules: Type.Optional(Type.String({ maxLength: 65_536 })),
      }),
      answer: async ({ vault, parameters, body }) => {
        const name = (parameters['name'] ?? '').toLowerCase();
        const text = body.policy ?? body.rules ?? '';
        if (name === 'root') throw new VaultError(400, 'cannot update "root" policy');
        if (text === '') throw new VaultError(400, "'policy' parameter not supplied or empty");
        parsePolicy(text);
        vault.store.state.policies[name] = text;
        await vault.store.save();
        return {};
      },
    }),
    operation({
      verb: 'delete',
      path: `${path}/:name`,
      answer: async ({ vault, parameters }) => {
        delete vault.store.state.policies[parameters['name'] ?? ''];
        await vault.store.save();
        return {};
      },
    }),
  ];
}

/** The statuses and the parameters that change them are Vault's ("/sys/health" in its API documentation). */
function health(vault: Vault, query: Readonly<Record<string, string>>): Answer {
  const code = (name: string, otherwise: number): number => {
    const given = query[name];
    return given !== undefined && statusCode.test(given) ? Number(given) : otherwise;
  };
  const standbyIsFine = query['standbyok'] !== undefined && query['standbyok'] !== 'false';
  const active = code('activecode', 200);
  const statusOf = (): number => {
    if (vault.mode === 'uninitialised') return code('uninitcode', 501);
    if (vault.sealed) return code('sealedcode', 503);
    return vault.mode === 'standby' && !standbyIsFine ? code('standbycode', 429) : active;
  };
  return {
    status: statusOf(),
    raw: {
      initialized: vault.mode !== 'uninitialised',
      sealed: vault.sealed || vault.mode === 'uninitialised',
      standby: vault.mode === 'standby',
      performance_standby: false,
      replication_performance_mode: 'disabled',
      replication_dr_mode: 'disabled',
      server_time_utc: Math.floor(Date.now() / 1000),
      version,
      cluster_name: 'ballast-vault-stand-in',
    },
  };
}

function sealStatus(vault: Vault): unknown {
  return {
    type: 'shamir',
    initialized: vault.mode !== 'uninitialised',
    sealed: vault.sealed,
    t: 1,
    n: 1,
    progress: 0,
    nonce: '',
    version,
    storage_type: 'file',
  };
}

/** Vault lists mounts with a slash behind. */
function listed(mounts: Readonly<Record<string, object>>): unknown {
  return Object.fromEntries(Object.entries(mounts).map(([name, mount]) => [`${name}/`, mount]));
}
