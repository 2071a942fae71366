/**
 * What is asked of Vault: an AppRole login, database logins, and the end of both. Through the real client, which waits for
 * ever and hands on whatever came; here every call has a deadline and every answer a schema.
 * Source: Vault's HTTP API documentation (auth/approle, auth/token, secret/databases, system/leases, system/health).
 */
import http from 'node:http';
import https from 'node:https';
import { Type, type Static, type TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import type { VaultSettings } from './config.ts';

/** A call failed. The message holds no secret; the client's own error does, so it is not kept. */
export class VaultError extends Error {
  /** What Vault answered with; undefined where it gave no answer, or none that can be read. */
  readonly status: number | undefined;
  constructor(message: string, status?: number) {
    super(message);
    this.name = 'VaultError';
    this.status = status;
  }
}

/** Times are those of `performance.now()`, in ms, counted from before the call so that they are never too late. */
export interface Token {
  /** The token itself. Never to be shown. */
  secret: string;
  renewable: boolean;
  /** What it was given at the login, in ms. */
  lifetimeMs: number;
  renewedAt: number;
  expiresAt: number;
  /** Vault knows it no longer. Its leases have ended with it. */
  gone: boolean;
  /** A login may have been made under it that nobody knows of: it must end, and that login with it. */
  tainted: boolean;
}

/** A database login on loan. It ends with its token at the latest. */
export interface Lease {
  id: string;
  username: string;
  password: string;
  renewable: boolean;
  seconds: number;
  startedAt: number;
  expiresAt: number;
}

/** Every method throws a {@link VaultError}. */
export interface Vault {
  address: string;
  login(): Promise<Token>;
  /** Prolongs the token as far as Vault allows, and notes how far that is. */
  renewToken(token: Token): Promise<void>;
  /** Ends the token and all its leases. */
  revokeToken(token: Token): Promise<void>;
  /** Whether Vault still knows the token. */
  knows(token: Token): Promise<boolean>;
  lend(token: Token): Promise<Lease>;
  /** Prolongs a lease to so many ms from now, or as far as Vault allows, and notes how far that is. */
  renewLease(token: Token, lease: Lease, ms: number): Promise<void>;
  /** Resolves once the login has left the database, also where that had happened before. */
  revokeLease(token: Token, lease: Lease): Promise<void>;
  /** `active`, `standby`, `sealed`, `not initialised` or `unreachable`; a stand-in says so. Never rejects. */
  state(): Promise<string>;
}

const Login = schema(
  Type.Object({
    auth: Type.Object({
      client_token: Type.String({ minLength: 1 }),
      lease_duration: Type.Integer({ minimum: 0 }),
      renewable: Type.Boolean(),
    }),
  }),
);
const RenewedToken = schema(Type.Object({ auth: Type.Object({ lease_duration: Type.Integer({ minimum: 0 }) }) }));
const Lent = schema(
  Type.Object({
    lease_id: Type.String({ minLength: 1, maxLength: 1024 }),
    lease_duration: Type.Integer({ minimum: 1 }),
    renewable: Type.Boolean(),
    data: Type.Object({
      username: Type.String({ minLength: 1, maxLength: 63 }),
      password: Type.String({ minLength: 1, maxLength: 1024 }),
    }),
  }),
);
const RenewedLease = schema(Type.Object({ lease_duration: Type.Integer({ minimum: 1 }) }));
const Health = schema(
  Type.Object({
    initialized: Type.Boolean(),
    sealed: Type.Boolean(),
    standby: Type.Boolean(),
    version: Type.Optional(Type.String()),
  }),
);

type Options = Record<string, unknown>;

/** `timeoutMs` is for one call; a call past it counts as unanswered, and its connection is closed. */
export async function createVault(
  { address, roleId, secretId, databaseRole }: VaultSettings,
  timeoutMs = 2_000,
): Promise<Vault> {
  // The client is a fifth of all that a service loads at its start, and most services have no lease.
  const { default: nodeVault } = await import('node-vault');
  // The client falls back on its process's environment for what it is not given; a token goes with each call instead.
  const client = nodeVault({ endpoint: address, noCustomHTTPVerbs: true });
  client.token = '';
  const secure = address.startsWith('https:');

  const call = async (
    work: (options: Options) => Promise<unknown>,
    token?: Token,
    ms = timeoutMs,
  ): Promise<unknown> => {
    const agent = new (secure ? https : http).Agent();
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new VaultError(`no answer within ${ms / 1_000} s`)), ms);
    });
    try {
      const headers = token === undefined ? {} : { 'X-Vault-Token': token.secret };
      return await Promise.race([work({ headers, [secure ? 'httpsAgent' : 'httpAgent']: agent }), late]);
    } catch (error) {
      throw toVaultError(error, [roleId, secretId, ...(token === undefined ? [] : [token.secret])]);
    } finally {
      clearTimeout(timer);
      // Also ends an answer that never does.
      agent.destroy();
    }
  };

  return {
    address: withoutUser(address),
    login: async () => {
      const askedAt = performance.now();
      const path = 'auth/approle/login';
      const answer = await call((options) => client.write(path, { role_id: roleId, secret_id: secretId }, options));
      const { auth } = Login(answer);
      // Nought is a token without an end.
      const lifetimeMs = auth.lease_duration === 0 ? Number.POSITIVE_INFINITY : auth.lease_duration * 1_000;
      return {
        secret: auth.client_token,
        renewable: auth.renewable && auth.lease_duration > 0,
        lifetimeMs,
        renewedAt: askedAt,
        expiresAt: askedAt + lifetimeMs,
        gone: false,
        tainted: false,
      };
    },
    renewToken: async (token) => {
      const askedAt = performance.now();
      const { auth } = RenewedToken(await call((options) => client.write('auth/token/renew-self', {}, options), token));
      token.renewedAt = askedAt;
      token.expiresAt = askedAt + auth.lease_duration * 1_000;
    },
    revokeToken: async (token) => {
      await unlessGone(() => call((options) => client.write('auth/token/revoke-self', {}, options), token));
    },
    knows: async (token) => {
      const known = await unlessGone(() => call((options) => client.read('auth/token/lookup-self', options), token));
      return known !== gone;
    },
    lend: async (token) => {
      const startedAt = performance.now();
      const answer = Lent(await call((options) => client.read(`database/creds/${databaseRole}`, options), token));
      return {
        id: answer.lease_id,
        ...answer.data,
        renewable: answer.renewable,
        seconds: answer.lease_duration,
        startedAt,
        expiresAt: startedAt + answer.lease_duration * 1_000,
      };
    },
    renewLease: async (token, lease, ms) => {
      const askedAt = performance.now();
      const body = { lease_id: lease.id, increment: Math.ceil(ms / 1_000) };
      const answer = RenewedLease(await call((options) => client.write('sys/leases/renew', body, options), token));
      lease.expiresAt = askedAt + answer.lease_duration * 1_000;
    },
    revokeLease: async (token, lease) => {
      // Without `sync` Vault answers before the login is gone. The client's own revoke() drops it. A lease that is not there
      // any more is answered with 204, and a revocation that failed with 400.
      const body = { lease_id: lease.id, sync: true };
      await call((options) => client.write('sys/leases/revoke', body, options), token);
    },
    state: async () => {
      try {
        const health = Health(await call((options) => client.read('sys/health', options), undefined, 800));
        const state = !health.initialized
          ? 'not initialised'
          : health.sealed
            ? 'sealed'
            : health.standby
              ? 'standby'
              : 'active';
        return health.version?.includes('standin') === true ? `${state} (stand-in)` : state;
      } catch (error) {
        if (error instanceof VaultError) return 'unreachable';
        throw error;
      }
    },
  };
}

const gone = Symbol('gone');

/** A token that is refused has ended already. */
async function unlessGone(work: () => Promise<unknown>): Promise<unknown> {
  try {
    return await work();
  } catch (error) {
    if (isForbidden(error)) return gone;
    throw error;
  }
}

/** Whether Vault refused the token, be it ended or not allowed to. */
export function isForbidden(error: unknown): boolean {
  return error instanceof VaultError && error.status === 403;
}

function schema<Schema extends TSchema>(type: Schema): (answer: unknown) => Static<Schema> {
  const validator = Compile(type);
  return (answer) => {
    if (validator.Check(answer)) return answer;
    throw new VaultError('its answer is not what its documentation says');
  };
}

/** The client's errors carry the request, token included; only status and text are taken from them. */
function toVaultError(error: unknown, secrets: readonly string[]): VaultError {
  if (error instanceof VaultError) return error;
  const { response, code, message } = error as {
    response?: { statusCode?: number; body?: unknown };
    code?: unknown;
    message?: unknown;
  };
  if (response?.statusCode !== undefined) {
    const said = (response.body as { errors?: unknown } | undefined)?.errors;
    const first: unknown = Array.isArray(said) ? said[0] : undefined;
    const text = typeof first === 'string' && first !== '' ? first.slice(0, 200) : 'no reason given';
    return new VaultError(`${hidden(text, secrets)} (${response.statusCode})`, response.statusCode);
  }
  const why = typeof code === 'string' ? code : typeof message === 'string' ? message.slice(0, 200) : 'no reason given';
  return new VaultError(`cannot be reached (${hidden(why, secrets)})`);
}

function hidden(text: string, secrets: readonly string[]): string {
  return secrets.reduce((left, secret) => left.replaceAll(secret, '…'), text);
}

function withoutUser(address: string): string {
  const url = new URL(address);
  [url.username, url.password] = ['', ''];
  return url.href.replace(/\/+$/, '');
}
