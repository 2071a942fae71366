/** One login with the pool that uses it, from its lease to the end of both. */
import { defect } from '@ballast/faults';
import type { PoolHandle } from './pool.ts';
import { pause } from './time.ts';
import { VaultError, type Lease, type Token, type Vault } from './vault.ts';

export interface Generation {
  handle: PoolHandle;
  lease: Lease;
  token: Token;
  /** The share of its life after which the next one is fetched: two thirds, a little different for each. */
  share: number;
}

/** Replicas that started together do not all come at once. */
export const drawShare = (): number => 0.6 + Math.random() * 0.1;

/** When the next one is due, by `performance.now()`. */
export function rotationDueAt({ lease, token, share }: Generation, graceMs: number): number {
  // A lease ends with its token. That end moves whenever the token is renewed.
  const lifeMs = Math.min(lease.expiresAt, token.expiresAt) - lease.startedAt;
  if (lease.renewable && lease.expiresAt <= token.expiresAt) return lease.startedAt + lifeMs * share;
  // What cannot be prolonged must leave time for what has begun.
  return lease.startedAt + Math.min(lifeMs * share, Math.max(lifeMs / 3, lifeMs - graceMs));
}

/**
 * Lets the pool of a login that was replaced finish, and keeps the login alive meanwhile as far as Vault allows. Resolves to
 * how many connections had to be cut because they had not finished in time.
 */
export async function drain(vault: Vault, generation: Generation, graceMs: number): Promise<number> {
  if (defect('postgres.no-drain')) return generation.handle.close(0);
  const closed = generation.handle.close(graceMs);
  let draining = true;
  const settled = closed.finally(() => {
    draining = false;
  });
  void keepAlive(vault, generation, performance.now() + graceMs, () => draining);
  return settled;
}

async function keepAlive(vault: Vault, { token, lease }: Generation, untilAt: number, draining: () => boolean) {
  // Most pools are empty long before their lease ends, and then Vault need not be asked.
  await pause(Math.min(250, (lease.expiresAt - performance.now()) / 4));
  while (draining() && lease.renewable && lease.expiresAt < untilAt) {
    try {
      await vault.renewLease(token, lease, untilAt - performance.now());
      return;
    } catch (error) {
      if (!(error instanceof VaultError)) throw error;
      // What it refuses it refuses again: the lease has ended, or has reached its longest life.
      if (error.status !== undefined && error.status < 500) return;
      await pause(250);
    }
  }
}
