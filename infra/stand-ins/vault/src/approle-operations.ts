/** `auth/<mount>/…` of AppRole: roles, their ids and secrets, and logging in with the two. */
import { randomUUID } from 'node:crypto';
import { Type } from 'typebox';
import { nothingThere, VaultError } from './answers.ts';
import { Duration, seconds, timestamp } from './durations.ts';
import { type Call, operation, Texts, texts } from './operation.ts';
import { fingerprint } from './random.ts';
import { type AppRole, records } from './state.ts';
import { tokenAnswer } from './tokens.ts';

const mostSecretIds = 1000;

const Id = Type.String({ minLength: 1, maxLength: 4096 });

const RoleBody = Type.Object({
  token_policies: Type.Optional(Texts),
  policies: Type.Optional(Texts),
  token_ttl: Type.Optional(Duration),
  token_max_ttl: Type.Optional(Duration),
  secret_id_ttl: Type.Optional(Duration),
  secret_id_num_uses: Type.Optional(Type.Integer({ minimum: 0 })),
});

export const appRoleOperations = [
  operation({
    verb: 'list',
    path: 'role',
    answer: (call) => {
      const keys = Object.keys(rolesOf(call));
      if (keys.length === 0) throw nothingThere();
      return { data: { keys } };
    },
  }),
  operation({
    verb: 'write',
    path: 'role/:role',
    body: RoleBody,
    answer: async (call) => {
      const { body } = call;
      const known = rolesOf(call)[name(call)];
      const policies = body.token_policies ?? body.policies;
      rolesOf(call)[name(call)] = {
        roleId: known?.roleId ?? randomUUID(),
        policies: policies === undefined ? (known?.policies ?? []) : texts(policies, ','),
        tokenSeconds: seconds(body.token_ttl, known?.tokenSeconds ?? 0),
        tokenMaximumSeconds: seconds(body.token_max_ttl, known?.tokenMaximumSeconds ?? 0),
        secretIdSeconds: seconds(body.secret_id_ttl, known?.secretIdSeconds ?? 0),
        secretIdUses: body.secret_id_num_uses ?? known?.secretIdUses ?? 0,
        secretIds: known?.secretIds ?? records(),
      };
      await call.vault.store.save();
      return {};
    },
  }),
  operation({
    verb: 'read',
    path: 'role/:role',
    answer: (call) => {
      const role = roleOf(call);
      return {
        data: {
          bind_secret_id: true,
          token_policies: role.policies,
          token_ttl: role.tokenSeconds,
          token_max_ttl: role.tokenMaximumSeconds,
          secret_id_ttl: role.secretIdSeconds,
          secret_id_num_uses: role.secretIdUses,
        },
      };
    },
  }),
  operation({
    verb: 'delete',
    path: 'role/:role',
    answer: async (call) => {
      delete rolesOf(call)[name(call)];
      await call.vault.store.save();
      return {};
    },
  }),
  operation({
    verb: 'read',
    path: 'role/:role/role-id',
    answer: (call) => ({ data: { role_id: roleOf(call).roleId } }),
  }),
  operation({
    verb: 'write',
    path: 'role/:role/role-id',
    body: Type.Object({ role_id: Id }),
    answer: async (call) => {
      const role = roleOf(call);
      const owner = Object.values(rolesOf(call)).find(({ roleId }) => roleId === call.body.role_id);
      if (owner !== undefined && owner !== role) throw new VaultError(400, 'role_id already in use');
      role.roleId = call.body.role_id;
      await call.vault.store.save();
      return {};
    },
  }),
  operation({
    verb: 'write',
    path: 'role/:role/secret-id',
    answer: async (call) => await addSecretId(call, randomUUID()),
  }),
  operation({
    verb: 'list',
    path: 'role/:role/secret-id',
    answer: (call) => {
      const keys = Object.values(roleOf(call).secretIds).map(({ accessor }) => accessor);
      if (keys.length === 0) throw nothingThere();
      return { data: { keys } };
    },
  }),
  operation({
    verb: 'write',
    path: 'role/:role/custom-secret-id',
    body: Type.Object({ secret_id: Id }),
    answer: async (call) => {
      if (roleOf(call).secretIds[fingerprint(call.body.secret_id)] !== undefined) {
        throw new VaultError(400, 'SecretID is already registered');
      }
      return await addSecretId(call, call.body.secret_id);
    },
  }),
  operation({
    verb: 'write',
    path: 'role/:role/secret-id/lookup',
    body: Type.Object({ secret_id: Id }),
    answer: (call) => {
      const found = roleOf(call).secretIds[fingerprint(call.body.secret_id)];
      // As Vault: 204 when there is none.
      if (found === undefined) return {};
      return {
        data: {
          secret_id_accessor: found.accessor,
          creation_time: timestamp(found.createdAt),
          secret_id_num_uses: found.usesLeft ?? 0,
        },
      };
    },
  }),
  operation({
    verb: 'write',
    path: 'role/:role/secret-id/destroy',
    body: Type.Object({ secret_id: Id }),
    answer: async (call) => {
      delete roleOf(call).secretIds[fingerprint(call.body.secret_id)];
      await call.vault.store.save();
      return {};
    },
  }),
  operation({
    verb: 'write',
    path: 'login',
    open: true,
    body: Type.Object({ role_id: Id, secret_id: Type.Optional(Id) }),
    answer: async (call) => {
      const { vault, body, mount } = call;
      const found = Object.entries(rolesOf(call)).find(([, { roleId }]) => roleId === body.role_id);
      if (found === undefined || body.secret_id === undefined) throw refused();
      const [roleName, role] = found;
      useSecretId(role, body.secret_id);
      const { secret, token, granted } = await vault.tokens.create({
        displayName: mount.replace(/^auth\//, ''),
        path: `${mount}/login`,
        policies: role.policies,
        meta: { role_name: roleName },
        seconds: role.tokenSeconds,
        maximumSeconds: role.tokenMaximumSeconds,
      });
      return { auth: tokenAnswer(secret, token, granted.seconds), warnings: granted.warnings };
    },
  }),
];

const refused = (): VaultError => new VaultError(400, 'invalid role or secret ID');

const name = ({ parameters }: Call<unknown>): string => parameters['role'] ?? '';

function rolesOf({ vault, mount }: Call<unknown>): Record<string, AppRole> {
  return (vault.store.state.appRoles[mount.replace(/^auth\//, '')] ??= records());
}

function roleOf(call: Call<unknown>): AppRole {
  const role = rolesOf(call)[name(call)];
  if (role === undefined) throw nothingThere();
  return role;
}

/** @throws VaultError 400 when the secret id is unknown, too old or used up. */
function useSecretId(role: AppRole, secretId: string): void {
  const print = fingerprint(secretId);
  const kept = role.secretIds[print];
  if (kept === undefined) throw refused();
  if (kept.expiresAt !== null && kept.expiresAt <= Date.now()) {
    delete role.secretIds[print];
    throw refused();
  }
  if (kept.usesLeft === null) return;
  kept.usesLeft -= 1;
  if (kept.usesLeft <= 0) delete role.secretIds[print];
}

async function addSecretId(call: Call<unknown>, secretId: string) {
  const role = roleOf(call);
  if (Object.keys(role.secretIds).length >= mostSecretIds) throw new VaultError(400, 'too many secret IDs');
  const now = Date.now();
  const accessor = randomUUID();
  role.secretIds[fingerprint(secretId)] = {
    accessor,
    createdAt: now,
    expiresAt: role.secretIdSeconds === 0 ? null : now + role.secretIdSeconds * 1000,
    usesLeft: role.secretIdUses === 0 ? null : role.secretIdUses,
  };
  await call.vault.store.save();
  return {
    data: {
      secret_id: secretId,
      secret_id_accessor: accessor,
      secret_id_ttl: role.secretIdSeconds,
      secret_id_num_uses: role.secretIdUses,
    },
  };
}
