/** Tokens: made, found, renewed, ended. A token that ends takes its leases along. */
import { randomUUID, timingSafeEqual } from 'node:crypto';
import { permissionDenied, VaultError } from './answers.ts';
import { grant, type Granted, systemSeconds } from './clock.ts';
import type { Leases } from './leases.ts';
import { fingerprint, newToken } from './random.ts';
import type { Token } from './state.ts';
import type { Store } from './store.ts';

const mostTokens = 20_000;

/** What a token is made with; lifetimes in seconds, 0 is the default of 32 days. */
export type TokenWish = {
  displayName: string;
  path: string;
  policies: readonly string[];
  meta?: Record<string, string>;
  seconds: number;
  maximumSeconds: number;
  renewable?: boolean;
};

/** Who is calling: a token of ours, or the root token, which nothing limits. */
export type Caller = { secret: string; token: Token; root: boolean };

export class Tokens {
  readonly #store: Store;
  readonly #leases: Leases;
  readonly #rootFingerprint: string;
  readonly #root: Token;

  constructor(store: Store, leases: Leases, rootToken: string) {
    this.#store = store;
    this.#leases = leases;
    this.#rootFingerprint = fingerprint(rootToken);
    const issuedAt = Date.now();
    this.#root = {
      accessor: 'root',
      displayName: 'root',
      path: 'auth/token/root',
      policies: ['root'],
      meta: {},
      issuedAt,
      expiresAt: Number.MAX_SAFE_INTEGER,
      maximumAt: Number.MAX_SAFE_INTEGER,
      seconds: 0,
      renewable: false,
    };
  }

  /** The caller with this token. @throws VaultError 403 when it is unknown or has ended. */
  find(secret: string | undefined): Caller {
    if (secret === undefined || secret === '') throw permissionDenied();
    const print = fingerprint(secret);
    if (timingSafeEqual(Buffer.from(print), Buffer.from(this.#rootFingerprint))) {
      return { secret, token: this.#root, root: true };
    }
    const token = this.#store.state.tokens[print];
    if (token === undefined || token.expiresAt <= Date.now()) throw permissionDenied();
    return { secret, token, root: false };
  }

  /** True while the token with this accessor has not ended. */
  isLive(accessor: string): boolean {
    return accessor === this.#root.accessor || (this.#entry(accessor)?.[1].expiresAt ?? 0) > Date.now();
  }

  /** Makes a token; `default` joins its policies, as in Vault. @throws VaultError 429 when there are too many. */
  async create(wish: TokenWish): Promise<{ secret: string; token: Token; granted: Granted }> {
    if (Object.keys(this.#store.state.tokens).length >= mostTokens) throw new VaultError(429, 'too many tokens');
    const now = Date.now();
    const maximumAt = now + (wish.maximumSeconds === 0 ? systemSeconds : wish.maximumSeconds) * 1000;
    const granted = grant(wish.seconds === 0 ? systemSeconds : wish.seconds, now, maximumAt);
    const secret = newToken();
    const token: Token = {
      accessor: randomUUID(),
      displayName: wish.displayName,
      path: wish.path,
      policies: [...new Set(['default', ...wish.policies])],
      meta: wish.meta ?? {},
      issuedAt: now,
      expiresAt: granted.expiresAt,
      maximumAt,
      seconds: granted.seconds,
      renewable: wish.renewable ?? true,
    };
    this.#store.state.tokens[fingerprint(secret)] = token;
    await this.#store.save();
    return { secret, token, granted };
  }

  /** Prolongs a token by `increment` seconds from now; 0 is as long as it was first given. */
  async renew({ token, root }: Caller, increment: number): Promise<Granted> {
    if (root || !token.renewable) throw new VaultError(400, 'lease is not renewable');
    const granted = grant(increment === 0 ? token.seconds : increment, Date.now(), token.maximumAt);
    token.expiresAt = granted.expiresAt;
    await this.#store.save();
    return granted;
  }

  /** Ends the token with this accessor, then its leases. What cannot be undone now is tried again in the background. */
  async revoke(accessor: string): Promise<void> {
    const entry = this.#entry(accessor);
    if (entry === undefined) return;
    delete this.#store.state.tokens[entry[0]];
    await this.#leases.revokeAllOf(accessor);
    await this.#store.save();
  }

  /** Accessors of tokens whose time is up. */
  expired(): string[] {
    const now = Date.now();
    return Object.values(this.#store.state.tokens).flatMap((token) => (token.expiresAt <= now ? [token.accessor] : []));
  }

  #entry(accessor: string): [string, Token] | undefined {
    return Object.entries(this.#store.state.tokens).find(([, token]) => token.accessor === accessor);
  }
}

/** How a token shows itself in the answer to a login or a renewal. */
export function tokenAnswer(secret: string, token: Token, leaseSeconds: number): unknown {
  return {
    client_token: secret,
    accessor: token.accessor,
    policies: token.policies,
    token_policies: token.policies,
    metadata: token.meta,
    lease_duration: leaseSeconds,
    renewable: token.renewable,
    entity_id: '',
    token_type: 'service',
    orphan: true,
    mfa_requirement: null,
    num_uses: 0,
  };
}
