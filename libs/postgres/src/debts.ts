/**
 * Logins and tokens that are to end and could not be ended yet. They are remembered and tried again, so that roles do not
 * pile up in the database; what nobody could end by its own end is Vault's to remove.
 */
import { defect } from '@ballast/faults';
import { promiseWithin } from './time.ts';
import { VaultError, isForbidden, type Lease, type Token, type Vault } from './vault.ts';

const mostRemembered = 100;
const firstRetryMs = 500;
const longestRetryMs = 10_000;

interface Debt {
  token: Token;
  /** Undefined where it is the token that is to end. */
  lease: Lease | undefined;
  tries: number;
  onPaid: () => void;
}

export interface Debts {
  /**
   * Ends a lease. Resolves to undefined once its login has left the database, else to the reason: it is tried again then,
   * and `onPaid` called when it is done.
   */
  endLease(token: Token, lease: Lease, onPaid: () => void): Promise<string | undefined>;
  /** Ends a token, and with it whatever was lent under it. */
  endToken(token: Token): Promise<void>;
  /** Leases and tokens that wait to be ended. */
  readonly size: number;
  /** Tries all of them once more, for at most so many ms, and forgets them. */
  close(withinMs: number): Promise<void>;
}

export function createDebts(vault: Vault): Debts {
  const owed = new Set<Debt>();
  const timers = new Map<Debt, NodeJS.Timeout>();
  let closed = false;

  /** The reason why it could not be done; undefined when it has. */
  const tryOnce = async (debt: Debt): Promise<string | undefined> => {
    try {
      if (debt.lease === undefined) await vault.revokeToken(debt.token);
      else await revokeLease(vault, debt.token, debt.lease);
      return undefined;
    } catch (error) {
      if (error instanceof VaultError) return error.message;
      throw error;
    }
  };

  const forget = (debt: Debt): void => {
    owed.delete(debt);
    clearTimeout(timers.get(debt));
    timers.delete(debt);
  };

  const settle = async (debt: Debt): Promise<void> => {
    const reason = await tryOnce(debt);
    if (reason === undefined) debt.onPaid();
    if (reason === undefined || ownEnd(debt) < performance.now() || closed) forget(debt);
    else later(debt);
  };

  const later = (debt: Debt): void => {
    const longest = Math.min(longestRetryMs, firstRetryMs * 2 ** debt.tries);
    debt.tries += 1;
    const timer = setTimeout(() => void settle(debt), longest * (0.5 + Math.random() / 2));
    timers.set(debt, timer.unref());
  };

  const pay = async (debt: Debt): Promise<string | undefined> => {
    const reason = await tryOnce(debt);
    if (reason === undefined) {
      debt.onPaid();
      return undefined;
    }
    const [oldest] = owed;
    if (oldest !== undefined && owed.size >= mostRemembered) forget(oldest);
    owed.add(debt);
    if (!closed) later(debt);
    return reason;
  };

  return {
    endLease: async (token, lease, onPaid) => {
      if (defect('postgres.no-revoke')) return undefined;
      return pay({ token, lease, tries: 0, onPaid });
    },
    endToken: async (token) => {
      if (!token.gone && !defect('postgres.no-revoke')) {
        await pay({ token, lease: undefined, tries: 0, onPaid: () => {} });
      }
    },
    get size() {
      return owed.size;
    },
    close: async (withinMs) => {
      closed = true;
      const left = [...owed];
      for (const debt of left) clearTimeout(timers.get(debt));
      await promiseWithin(Promise.all(left.map(settle)), withinMs);
    },
  };
}

/** When Vault ends it by itself. */
function ownEnd({ token, lease }: Debt): number {
  return Math.min(token.expiresAt, lease?.expiresAt ?? Number.POSITIVE_INFINITY);
}

async function revokeLease(vault: Vault, token: Token, lease: Lease): Promise<void> {
  try {
    await vault.revokeLease(token, lease);
  } catch (error) {
    // A token that has ended took its leases along. One that lives is not allowed to revoke, and then they stay.
    if (!isForbidden(error) || (await vault.knows(token))) throw error;
    token.gone = true;
  }
}
