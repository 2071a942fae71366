/**
 * The login a service is using now, and the next one in time.
 *
 * One loop does everything that changes the current login, so that there is one order of things: it sleeps until the login
 * or the token needs something, or until it is woken because the login was found dead. What is replaced is drained and ended
 * beside it. Vault may be away at any moment: what is lent is used for as long as it works.
 */
import type pg from 'pg';
import { Borrower, type Loan } from './borrower.ts';
import { createDebts, type Debts } from './debts.ts';
import { isEndedSession, isRefusedLogin, toDatabaseError } from './errors.ts';
import { drain, drawShare, rotationDueAt, type Generation } from './generation.ts';
import type { PoolSource } from './database.ts';
import type { PoolHandle } from './pool.ts';
import type { RotationLog } from './rotation-log.ts';
import { pause, promiseWithin } from './time.ts';
import type { Token, Vault } from './vault.ts';

export interface LeaseManagerOptions {
  vault: Vault;
  log: RotationLog;
  /** Opens a pool under this login; `onLost` is told of connections lost while no query was running on them. */
  open: (login: { username: string; password: string }, onLost: (error: Error) => void) => PoolHandle;
  /** How long a pool that was replaced may take to finish, in ms. */
  graceMs: number;
  /** How long what has not begun waits when the login was found dead, in ms. */
  holdMs?: number;
}

const firstRetryMs = 100;
const longestRetryMs = 2_000;
/** Between one login and another that is fetched because the first was found dead, in ms. */
const urgentSpacingMs = 500;
const closing = 'the database is being closed';
const longestSleepMs = 3_600_000;
const closePoolMs = 4_000;
const closeVaultMs = 2_500;

export class LeaseManager implements PoolSource {
  /** See {@link PoolSource}. */
  pool: pg.Pool | undefined;
  readonly #options: LeaseManagerOptions;
  readonly #debts: Debts;
  readonly #borrower: Borrower;
  readonly #retiring = new Map<Generation, Promise<void>>();
  #current: Generation | undefined;
  /** When the login was found dead; its successor clears it. */
  #dead: { since: number; why: string } | undefined;
  #hold: { over: Promise<pg.Pool>; release: (pool: pg.Pool) => void; timer: NodeJS.Timeout } | undefined;
  #asked: PromiseWithResolvers<void> | undefined;
  #failures = 0;
  #retryAt = 0;
  #wake: () => void = () => {};
  #loop: Promise<void> = Promise.resolve();
  #closing = false;
  #closed: Promise<void> | undefined;

  constructor(options: LeaseManagerOptions) {
    this.#options = options;
    this.#debts = createDebts(options.vault);
    this.#borrower = new Borrower(options.vault, (token) => this.#endIfUnused(token));
  }

  /** Takes the first login; tries for so many ms. Rejects with what went wrong last. */
  async start(withinMs: number): Promise<void> {
    const deadline = performance.now() + withinMs;
    for (;;) {
      const problem = await this.#rotateOnce();
      if (problem === undefined) break;
      if (this.#retryAt > deadline) throw problem;
      await pause(this.#retryAt - performance.now());
    }
    this.#loop = this.#keep();
  }

  /** The login in use. */
  get generation(): Generation {
    if (this.#current === undefined) throw new Error('there is no login yet');
    return this.#current;
  }

  get pools(): { active: number; draining: number } {
    return { active: this.#current === undefined ? 0 : 1, draining: this.#retiring.size };
  }

  /** Names of the logins in use, and of those that are being let go. */
  get usernames(): string[] {
    return this.#pools().map(({ lease }) => lease.username);
  }

  /** Logins and tokens that could not be ended yet. */
  get notRevoked(): number {
    return this.#debts.size;
  }

  /** Takes the next login now. Resolves once it is in use; rejects when that did not work. */
  rotate(): Promise<void> {
    if (this.#closing) return Promise.reject(new Error(closing));
    if (this.#asked === undefined) {
      this.#asked = Promise.withResolvers();
      this.#wake();
    }
    return this.#asked.promise;
  }

  next(): Promise<pg.Pool> {
    return this.#hold?.over ?? Promise.resolve(this.generation.handle.pool);
  }

  failed(pool: pg.Pool, error: unknown): void {
    if (pool !== this.#current?.handle.pool || this.#dead !== undefined || this.#closing) return;
    if (isRefusedLogin(error)) this.#foundDead('the database refuses its login');
    else if (isEndedSession(error)) this.#foundDead('the database ended its sessions');
  }

  /** Lets what has begun finish, gives every login back to Vault as far as it is there, and lets the token go. */
  close(): Promise<void> {
    return (this.#closed ??= this.#end());
  }

  async #end(): Promise<void> {
    this.#closing = true;
    this.#wake();
    this.#letGo();
    await Promise.all([...this.#pools().map(closePool), promiseWithin(this.#loop, closePoolMs)]);
    // The loop may have been about to take another one into use.
    await Promise.all(this.#pools().map(closePool));
    const deadline = performance.now() + closeVaultMs;
    await promiseWithin(
      Promise.all(this.#retiring.values()).then(() => this.#returnCurrent()),
      closeVaultMs,
    );
    await this.#debts.close(deadline - performance.now());
  }

  #pools(): Generation[] {
    return [this.#current, ...this.#retiring.keys()].filter((generation) => generation !== undefined);
  }

  async #returnCurrent(): Promise<void> {
    if (this.#current !== undefined) await this.#debts.endLease(this.#current.token, this.#current.lease, () => {});
    if (this.#borrower.token !== undefined) await this.#debts.endToken(this.#borrower.token);
  }

  /** What begins now waits for the successor, which is fetched at once. */
  #foundDead(why: string): void {
    const now = performance.now();
    this.#dead = { since: now, why };
    this.#retryAt = Math.max(now, this.generation.lease.startedAt + urgentSpacingMs);
    const { promise, resolve } = Promise.withResolvers<pg.Pool>();
    const timer = setTimeout(() => this.#letGo(), this.#options.holdMs ?? 1_000);
    this.#hold = { over: promise, release: resolve, timer };
    this.pool = undefined;
    this.#wake();
  }

  /** What waits goes on with the pool there is. */
  #letGo(): void {
    if (this.#current === undefined) return;
    this.pool = this.#current.handle.pool;
    clearTimeout(this.#hold?.timer);
    this.#hold?.release(this.pool);
    this.#hold = undefined;
  }

  async #keep(): Promise<void> {
    while (!this.#closing) {
      const dueAt = Math.min(this.#rotationDueAt(), this.#borrower.renewalDueAt);
      await this.#sleep(dueAt - performance.now());
      if (this.#closing) break;
      if (this.#borrower.renewalDueAt <= performance.now()) await this.#borrower.renew();
      if (this.#rotationDueAt() <= performance.now()) await this.#rotateOnce();
    }
    this.#asked?.reject(new Error(closing));
  }

  #sleep(ms: number): Promise<void> {
    if (ms <= 0) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, Math.min(ms, longestSleepMs)).unref();
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #rotationDueAt(): number {
    if (this.#asked !== undefined) return 0;
    if (this.#dead !== undefined || this.#borrower.token?.gone === true) return this.#retryAt;
    return Math.max(this.#retryAt, rotationDueAt(this.generation, this.#options.graceMs));
  }

  /** Takes the next login into use. Resolves to what was in the way, if anything was. */
  async #rotateOnce(): Promise<Error | undefined> {
    const { log } = this.#options;
    const startedAt = performance.now();
    const why = this.#reason();
    const asked = this.#asked;
    log.note('started', this.#current?.lease.username, why);
    try {
      const lastedMs = (this.#current?.lease.seconds ?? 0) * 1_000;
      const loan = await this.#borrower.borrow(lastedMs + this.#options.graceMs);
      log.note('credentials-fetched', loan.lease.username, `lent for ${loan.lease.seconds} s`);
      this.#activate(await this.#openChecked(loan));
      asked?.resolve();
      return undefined;
    } catch (thrown) {
      const error = toDatabaseError(thrown) as Error;
      this.#failures += 1;
      const longest = Math.min(longestRetryMs, firstRetryMs * 2 ** (this.#failures - 1));
      this.#retryAt = performance.now() + longest * (0.5 + Math.random() / 2);
      log.note('failed', this.#current?.lease.username, error.message);
      // An attempt that began before the login died says nothing about the next.
      if (this.#dead === undefined || this.#dead.since <= startedAt) this.#letGo();
      asked?.reject(error);
      return error;
    } finally {
      if (this.#asked === asked) this.#asked = undefined;
    }
  }

  /** Lets a token go that is replaced and keeps no login alive any more. */
  #endIfUnused(token: Token): void {
    if (token !== this.#borrower.token && !this.#pools().some((user) => user.token === token))
      void this.#debts.endToken(token);
  }

  #reason(): string {
    if (this.#current === undefined) return 'the first';
    if (this.#dead !== undefined) return this.#dead.why;
    if (this.#asked !== undefined) return 'asked for';
    return this.#borrower.token?.gone === true ? 'its token has ended' : 'its lease ends';
  }

  async #openChecked({ token, lease }: Loan): Promise<Generation> {
    const handle = this.#options.open(lease, (error) => this.failed(handle.pool, toDatabaseError(error)));
    try {
      await handle.pool.query('SELECT 1');
      if (this.#closing) throw new Error(closing);
    } catch (error) {
      await handle.close(0);
      void this.#debts.endLease(token, lease, () => {});
      throw error;
    }
    return { handle, lease, token, share: drawShare() };
  }

  #activate(next: Generation): void {
    const old = this.#current;
    this.#current = next;
    this.#dead = undefined;
    this.#failures = 0;
    this.#retryAt = 0;
    this.#letGo();
    this.#options.log.note('activated', next.lease.username);
    if (old !== undefined) this.#retiring.set(old, this.#retire(old));
  }

  async #retire(old: Generation): Promise<void> {
    const { log, vault, graceMs } = this.#options;
    const { username } = old.lease;
    log.note('grace-period', username, `${old.handle.pool.totalCount} connections`);
    // Whatever called this has noted it among the retiring by then.
    await pause(0);
    try {
      const cut = await drain(vault, old, graceMs);
      const told = cut === 0 ? undefined : `${cut} connections had not finished and were cut`;
      const problem = await this.#debts.endLease(old.token, old.lease, () => log.note('revoked-old', username, told));
      if (problem !== undefined) log.note('failed', username, `not revoked yet: ${problem}`);
    } finally {
      this.#retiring.delete(old);
      this.#endIfUnused(old.token);
    }
  }
}

const closePool = ({ handle }: Generation): Promise<number> => handle.close(closePoolMs);
