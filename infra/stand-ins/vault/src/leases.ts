/**
 * Leases: what was lent, until when, and its end. A lease is written down before what it stands for is created and forgotten
 * after that is gone, so that a process killed at any point leaves nothing behind that nobody will remove.
 */
import { VaultError } from './answers.ts';
import { grant, type Granted } from './clock.ts';
import { randomText } from './random.ts';
import type { Lease } from './state.ts';
import type { Store } from './store.ts';

const mostLeases = 10_000;
const firstRetry = 1000;
const longestRetry = 10_000;

/** Undoes and prolongs what a lease stands for. */
export type LeaseKeeper = {
  end: (lease: Lease) => Promise<void>;
  prolong: (lease: Lease, expiresAt: number) => Promise<void>;
};

export class Leases {
  readonly #store: Store;
  readonly #keeper: LeaseKeeper;
  readonly #warn: (details: object, message: string) => void;
  /** Revocations under way, so that a lease is ended once however many ask. */
  readonly #ending = new Map<string, Promise<void>>();
  /** When a revocation that failed is tried again, and how long it waited for that. */
  readonly #retries = new Map<string, { at: number; wait: number }>();

  constructor(store: Store, keeper: LeaseKeeper, warn: (details: object, message: string) => void) {
    this.#store = store;
    this.#keeper = keeper;
    this.#warn = warn;
  }

  /** Every lease by id. */
  get all(): Readonly<Record<string, Lease>> {
    return this.#store.state.leases;
  }

  /** Writes a lease down, creates what it stands for, and answers its id. @throws VaultError 429 when there are too many. */
  async issue(path: string, lease: Lease, create: () => Promise<void>): Promise<string> {
    if (Object.keys(this.all).length >= mostLeases) throw new VaultError(429, 'lease count quota exceeded');
    const id = `${path}/${randomText(24)}`;
    this.#store.state.leases[id] = lease;
    await this.#store.save();
    try {
      await create();
    } catch (error) {
      // It may have been created all the same, the answer lost: end it like any other.
      await this.#revokeOrRetry(id);
      throw error;
    }
    return id;
  }

  /** The lease of this id. @throws VaultError 400 when there is none, or it has ended. */
  find(id: string): Lease {
    const lease = this.all[id];
    if (lease === undefined) throw new VaultError(400, 'lease not found');
    if (lease.revoking || lease.expiresAt <= Date.now()) throw new VaultError(400, 'lease expired');
    return lease;
  }

  /** Prolongs a lease by `increment` seconds from now; 0 is its default. */
  async renew(id: string, increment: number): Promise<Granted> {
    const lease = this.find(id);
    const now = Date.now();
    const granted = grant(increment === 0 ? lease.seconds : increment, now, lease.maximumAt);
    await this.#keeper.prolong(lease, granted.expiresAt);
    // It may have been revoked meanwhile.
    this.find(id).expiresAt = granted.expiresAt;
    lease.renewedAt = now;
    await this.#store.save();
    return granted;
  }

  /** Ends a lease; one that is not there has ended. @throws Error when it could not be: it is tried again until it is. */
  async revoke(id: string): Promise<void> {
    const lease = this.all[id];
    if (lease === undefined) return;
    const begun = this.#ending.get(id);
    if (begun !== undefined) return await begun;
    const ending = this.#end(id, lease);
    this.#ending.set(id, ending);
    try {
      await ending;
    } finally {
      this.#ending.delete(id);
    }
  }

  /** Notes that a lease is to end; {@link Leases.revokeDue} does it. */
  async revokeLater(id: string): Promise<void> {
    const lease = this.all[id];
    if (lease === undefined) return;
    lease.revoking = true;
    await this.#store.save();
  }

  /** Ends every lease a token made; failures are tried again later. */
  async revokeAllOf(tokenAccessor: string): Promise<void> {
    await this.#revokeWhere((_, lease) => lease.tokenAccessor === tokenAccessor);
  }

  /** Ends every lease whose id begins with `prefix`; failures are tried again later. */
  async revokePrefix(prefix: string): Promise<void> {
    await this.#revokeWhere((id) => id.startsWith(prefix));
  }

  /** Ends what has expired or was asked to end, failed ones when their time has come. */
  async revokeDue(): Promise<void> {
    const now = Date.now();
    await this.#revokeWhere(
      (id, lease) => (lease.revoking || lease.expiresAt <= now) && (this.#retries.get(id)?.at ?? 0) <= now,
    );
  }

  async #revokeWhere(isMeant: (id: string, lease: Lease) => boolean): Promise<void> {
    const meant = Object.entries(this.all).filter(([id, lease]) => isMeant(id, lease));
    // All are marked before the first is awaited: none may be renewed or handed out meanwhile.
    for (const [, lease] of meant) lease.revoking = true;
    await Promise.all(meant.map(async ([id]) => await this.#revokeOrRetry(id)));
  }

  async #revokeOrRetry(id: string): Promise<void> {
    try {
      await this.revoke(id);
    } catch (error) {
      this.#warn({ leaseId: id, error }, 'a lease could not be revoked; it is tried again');
    }
  }

  async #end(id: string, lease: Lease): Promise<void> {
    lease.revoking = true;
    await this.#store.save();
    try {
      await this.#keeper.end(lease);
    } catch (error) {
      const wait = Math.min((this.#retries.get(id)?.wait ?? firstRetry / 2) * 2, longestRetry);
      this.#retries.set(id, { at: Date.now() + wait, wait });
      throw error;
    }
    this.#retries.delete(id);
    delete this.#store.state.leases[id];
    await this.#store.save();
  }
}
