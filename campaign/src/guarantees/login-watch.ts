/** Watches, as an administrator of PostgreSQL, which leased logins there are, who uses them, and whether they go. */
import { until } from '@ballast/testing';
import pg from 'pg';

export interface LoginWatch {
  most: { logins: number; beyondLeases: number };
  /** Old logins that nobody used any more and that stayed all the same. */
  lingering: string[];
  /** Ends the watch, and resolves to the logins that are still there after so many ms. */
  settle: (withinMs: number) => Promise<string[]>;
  close: () => Promise<void>;
}

/**
 * How long an old login may stay once its last session has ended, in ms: generous beside the few it takes, and more than
 * a machine is held up for.
 */
const lingersMs = 2_500;
const everyMs = 100;

const statement = `
  SELECT r.rolname AS name, count(a.pid)::int AS sessions
    FROM pg_roles r LEFT JOIN pg_stat_activity a ON a.usesysid = r.oid
   WHERE starts_with(r.rolname, $1)
   GROUP BY r.rolname`;

/** Looks ten times a second. `leases` is how many Vault knows of, `current` the login in use now. */
export function watchLogins(options: {
  adminUrl: string;
  prefix: string;
  leases: () => number;
  current: () => string;
}): LoginWatch {
  const admin = new pg.Pool({ connectionString: options.adminUrl, max: 1, connectionTimeoutMillis: 10_000 });
  const most = { logins: 0, beyondLeases: 0 };
  const lingering: string[] = [];
  /** Since when an old login has had no session. */
  const unusedSince = new Map<string, number>();
  let watching = true;

  const read = async (): Promise<{ name: string; sessions: number }[]> =>
    (await admin.query<{ name: string; sessions: number }>(statement, [options.prefix])).rows;

  const look = async (): Promise<void> => {
    // A lease that ends between the two looks would pass for a login too many.
    const leases = options.leases();
    const logins = await read();
    most.logins = Math.max(most.logins, logins.length);
    most.beyondLeases = Math.max(most.beyondLeases, logins.length - Math.max(leases, options.leases()));
    const now = performance.now();
    for (const { name, sessions } of logins) {
      if (sessions > 0 || name === options.current()) unusedSince.delete(name);
      else if (!unusedSince.has(name)) unusedSince.set(name, now);
      const unusedMs = now - (unusedSince.get(name) ?? now);
      if (unusedMs > lingersMs && !lingering.some((text) => text.startsWith(name))) {
        lingering.push(`${name} was there ${Math.round(unusedMs)} ms after its last session`);
      }
    }
  };
  const watch = async (): Promise<void> => {
    while (watching) {
      await look();
      await new Promise((resolve) => setTimeout(resolve, everyMs));
    }
  };
  const watched = watch();
  const end = async (): Promise<void> => {
    watching = false;
    await watched;
  };
  return {
    most,
    lingering,
    settle: async (withinMs) => {
      await end();
      const deadline = performance.now() + withinMs;
      return until('the last login to leave', async () => {
        const left = await read();
        return left.length === 0 || performance.now() > deadline ? left.map(({ name }) => name) : undefined;
      });
    },
    close: async () => {
      await end();
      await admin.end();
    },
  };
}
