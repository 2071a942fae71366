/** `auth/token/…`: what a token may do with itself, and what an operator may do with others'. */
import { Type } from 'typebox';
import { type Answer, permissionDenied, VaultError } from './answers.ts';
import { Duration, seconds, timestamp } from './durations.ts';
import { operation, Texts, texts } from './operation.ts';
import { tokenAnswer, type Caller } from './tokens.ts';
import type { Vault } from './vault.ts';

const Secret = Type.String({ minLength: 1, maxLength: 1024 });
const Increment = Type.Object({ increment: Type.Optional(Duration) });

export const tokenOperations = [
  operation({
    verb: 'write',
    path: 'create',
    body: Type.Object({
      policies: Type.Optional(Texts),
      ttl: Type.Optional(Duration),
      explicit_max_ttl: Type.Optional(Duration),
      renewable: Type.Optional(Type.Boolean()),
      display_name: Type.Optional(Type.String({ maxLength: 64 })),
      meta: Type.Optional(Type.Record(Type.String(), Type.String())),
    }),
    answer: async ({ vault, body, caller }) => {
      const policies = texts(body.policies, ',');
      const own = caller?.token.policies ?? [];
      if (caller?.root !== true && policies.some((name) => !own.includes(name))) {
        throw new VaultError(400, 'child policies must be subset of parent');
      }
      const { secret, token, granted } = await vault.tokens.create({
        displayName: body.display_name === undefined ? 'token' : `token-${body.display_name}`,
        path: 'auth/token/create',
        // A child has its parent's policies unless it says which.
        policies: policies.length === 0 ? own : policies,
        meta: body.meta ?? {},
        seconds: seconds(body.ttl, 0),
        maximumSeconds: seconds(body.explicit_max_ttl, 0),
        renewable: body.renewable ?? true,
      });
      return { auth: tokenAnswer(secret, token, granted.seconds), warnings: granted.warnings };
    },
  }),
  operation({ verb: 'read', path: 'lookup-self', answer: ({ caller }) => described(required(caller)) }),
  operation({
    verb: 'write',
    path: 'lookup',
    body: Type.Object({ token: Secret }),
    answer: ({ vault, body }) => described(vault.tokens.find(body.token)),
  }),
  operation({
    verb: 'write',
    path: 'renew-self',
    body: Increment,
    answer: async ({ vault, body, caller }) => await renewed(vault, required(caller), seconds(body.increment, 0)),
  }),
  operation({
    verb: 'write',
    path: 'renew',
    body: Type.Object({ token: Secret, ...Increment.properties }),
    answer: async ({ vault, body }) => await renewed(vault, vault.tokens.find(body.token), seconds(body.increment, 0)),
  }),
  operation({
    verb: 'write',
    path: 'revoke-self',
    answer: async ({ vault, caller }) => await ended(vault, required(caller).token.accessor),
  }),
  operation({
    verb: 'write',
    path: 'revoke',
    body: Type.Object({ token: Secret }),
    answer: async ({ vault, body }) => await ended(vault, vault.tokens.find(body.token).token.accessor),
  }),
  operation({
    verb: 'write',
    path: 'revoke-accessor',
    body: Type.Object({ accessor: Type.String({ minLength: 1, maxLength: 128 }) }),
    answer: async ({ vault, body }) => {
      if (!vault.tokens.isLive(body.accessor)) throw new VaultError(400, 'invalid accessor');
      return await ended(vault, body.accessor);
    },
  }),
];

function required(caller: Caller | undefined): Caller {
  if (caller === undefined) throw permissionDenied();
  return caller;
}

async function renewed(vault: Vault, caller: Caller, increment: number): Promise<Answer> {
  const granted = await vault.tokens.renew(caller, increment);
  return { auth: tokenAnswer(caller.secret, caller.token, granted.seconds), warnings: granted.warnings };
}

async function ended(vault: Vault, accessor: string): Promise<Answer> {
  await vault.tokens.revoke(accessor);
  return {};
}

function described({ secret, token, root }: Caller): Answer {
  return {
    data: {
      id: secret,
      accessor: token.accessor,
      display_name: token.displayName,
      path: token.path,
      policies: token.policies,
      meta: token.meta,
      creation_time: Math.floor(token.issuedAt / 1000),
      creation_ttl: token.seconds,
      issue_time: timestamp(token.issuedAt),
      expire_time: root ? null : timestamp(token.expiresAt),
      ttl: root ? 0 : Math.max(0, Math.round((token.expiresAt - Date.now()) / 1000)),
      explicit_max_ttl: 0,
      renewable: token.renewable,
      num_uses: 0,
      orphan: true,
      entity_id: '',
      type: 'service',
    },
  };
}
