/** What the bff asks identity: accounts and tokens. */
import { TokenPair, type Credentials } from '@ballast/contracts';
import { outgoingTraceparent, ProblemError } from '@ballast/service';
import { Type, type Static } from 'typebox';
import { Compile } from 'typebox/compile';
import type { Upstream, UpstreamResponse } from './upstream.ts';

const tokenPair = Compile(TokenPair);

/**
 * Looser than `Credentials`: what could never have been registered is simply wrong, and identity says so in the same
 * words and time as of any other wrong password.
 */
export const LoginRequest = Type.Object(
  { email: Type.String({ maxLength: 1024 }), password: Type.String({ maxLength: 1024 }) },
  { additionalProperties: false },
);
export type LoginRequest = Static<typeof LoginRequest>;

/** Passwords are hashed on purpose slowly, and callers queue for it. */
const accountTimeoutMs = 5_000;
/** Shorter than the lease on a refresh token, see src/store/sessions.ts. */
const refreshTimeoutMs = 3_000;

/** An answer that is no success is handed back whole, to be relayed. */
export type Outcome<Value> = { ok: true; value: Value } | { ok: false; response: UpstreamResponse };

export interface Identity {
  register(credentials: Credentials): Promise<Outcome<null>>;
  login(credentials: LoginRequest): Promise<Outcome<TokenPair>>;
  /** Null: identity says that this refresh token is no good (any more). Rejects with 503 when it cannot say. */
  refresh(refreshToken: string): Promise<TokenPair | null>;
  /** Ends the token family. Resolves once identity knows; rejects with 503 when it could not be told. */
  logout(tokens: { accessToken: string; refreshToken: string }): Promise<void>;
}

export function createIdentity(upstream: Upstream): Identity {
  const post = (
    path: string,
    content: object | null,
    options: { token?: string; timeoutMs?: number } = {},
  ): Promise<UpstreamResponse> => {
    const headers = ['accept', 'application/json', 'traceparent', outgoingTraceparent()];
    if (content !== null) headers.push('content-type', 'application/json');
    if (options.token !== undefined) headers.push('authorization', `Bearer ${options.token}`);
    const timeoutMs = options.timeoutMs ?? accountTimeoutMs;
    const body = content === null ? null : JSON.stringify(content);
    return upstream.send({ method: 'POST', path, headers, body, repeatable: false, timeoutMs });
  };
  const refresh = async (refreshToken: string): Promise<TokenPair | null> => {
    const response = await post('/refresh', { refreshToken }, { timeoutMs: refreshTimeoutMs });
    if (response.status === 200) return tokensIn(response);
    if (response.status === 401) return null;
    throw unexpected('/refresh', response.status);
  };
  return {
    register: async (credentials) => {
      const response = await post('/register', credentials);
      return response.status === 201 ? { ok: true, value: null } : { ok: false, response };
    },
    login: async (credentials) => {
      const response = await post('/login', credentials);
      return response.status === 200 ? { ok: true, value: tokensIn(response) } : { ok: false, response };
    },
    refresh,
    logout: async ({ accessToken, refreshToken }) => {
      let { status } = await post('/logout', null, { token: accessToken });
      if (status === 401) {
        // The access token ran out, the family has not: only a new token can end it.
        const renewed = await refresh(refreshToken);
        if (renewed === null) return;
        ({ status } = await post('/logout', null, { token: renewed.accessToken }));
      }
      if (status !== 204 && status !== 401) throw unexpected('/logout', status);
    },
  };
}

function tokensIn(response: UpstreamResponse): TokenPair {
  let value: unknown;
  try {
    value = JSON.parse(response.body.toString());
  } catch (cause) {
    throw new ProblemError('unavailable', 'Signing in does not work at the moment.', { cause });
  }
  if (tokenPair.Check(value)) return value;
  throw new ProblemError('unavailable', 'Signing in does not work at the moment.', {
    cause: new Error('identity answered tokens that are not as the contract says'),
  });
}

function unexpected(path: string, status: number): ProblemError {
  return new ProblemError('unavailable', 'Signing in does not work at the moment.', {
    cause: new Error(`identity answered ${status} to ${path}`),
  });
}
