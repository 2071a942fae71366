/** The token this service has from Vault, kept alive, and what is borrowed under it. A lease dies with its token. */
import { isForbidden, VaultError, type Lease, type Token, type Vault } from './vault.ts';

const soonestRenewalMs = 100;
const renewalRetryMs = 2_000;

/** A lease, and the token it will end with. */
export interface Loan {
  token: Token;
  lease: Lease;
}

export class Borrower {
  readonly #vault: Vault;
  readonly #onReplaced: (token: Token) => void;
  #token: Token | undefined;
  #notBefore = 0;

  /** `onReplaced` is told of each token that has a successor. */
  constructor(vault: Vault, onReplaced: (token: Token) => void) {
    this.#vault = vault;
    this.#onReplaced = onReplaced;
  }

  get token(): Token | undefined {
    return this.#token;
  }

  /**
   * Borrows a login under a token that lives `neededMs` more, or about as long as tokens live here; logs in where there is
   * none. Throws a {@link VaultError}.
   */
  async borrow(neededMs: number): Promise<Loan> {
    const before = this.#token;
    const token = await this.#tokenFor(neededMs);
    try {
      return await this.#lend(token);
    } catch (error) {
      if (!isForbidden(error) || token !== before) throw error;
      token.gone = true;
      return this.#lend(await this.#logIn());
    }
  }

  /** When {@link renew} should be called, by `performance.now()`: halfway, before a lease would have to end because of it. */
  get renewalDueAt(): number {
    const token = this.#token;
    if (token === undefined || token.gone || !token.renewable) return Number.POSITIVE_INFINITY;
    return Math.max(this.#notBefore, token.renewedAt + (token.expiresAt - token.renewedAt) / 2);
  }

  /** Renews the token; where Vault knows it no longer, it is `gone` after that. Where Vault is away, it is due again soon. */
  async renew(): Promise<void> {
    const token = this.#token;
    if (token === undefined) return;
    try {
      await this.#prolong(token);
      this.#notBefore = performance.now() + soonestRenewalMs;
    } catch (error) {
      if (!(error instanceof VaultError)) throw error;
      this.#notBefore = performance.now() + renewalRetryMs * (0.5 + Math.random() / 2);
      token.gone = isForbidden(error);
    }
  }

  async #tokenFor(neededMs: number): Promise<Token> {
    const token = this.#token;
    if (token === undefined || token.gone || token.tainted) return this.#logIn();
    const isEnough = (): boolean => token.expiresAt - performance.now() >= Math.min(neededMs, token.lifetimeMs * 0.8);
    if (isEnough()) return token;
    try {
      if (token.renewable) await this.#prolong(token);
    } catch (error) {
      if (!isForbidden(error)) throw error;
      return this.#logIn();
    }
    return isEnough() ? token : this.#logIn();
  }

  async #prolong(token: Token): Promise<void> {
    await this.#vault.renewToken(token);
    // It nears the longest life it may have: renewing it further gives nothing.
    if (token.expiresAt - token.renewedAt < token.lifetimeMs / 2) token.renewable = false;
  }

  async #logIn(): Promise<Token> {
    const old = this.#token;
    this.#token = await this.#vault.login();
    if (old !== undefined) this.#onReplaced(old);
    return this.#token;
  }

  async #lend(token: Token): Promise<Loan> {
    try {
      return { token, lease: await this.#vault.lend(token) };
    } catch (error) {
      // Without an answer nobody knows whether a login was made. It will go with the token.
      if (error instanceof VaultError && error.status === undefined) token.tainted = true;
      throw error;
    }
  }
}
