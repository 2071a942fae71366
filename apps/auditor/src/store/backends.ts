/** PostgreSQL's own views: sessions, and the logins that Vault has made. */
import type { Queryable } from '@ballast/postgres';

/** Whether this login sees what others do; without that everybody's state is hidden. */
const mayLook = `SELECT pg_has_role(current_user, 'pg_read_all_stats', 'MEMBER') AS allowed`;

const idle = `
  SELECT pid, coalesce(usename, '') AS username, application_name AS application,
         (extract(epoch FROM now() - state_change) * 1000)::float8 AS idle_ms
    FROM pg_stat_activity
   WHERE datname = current_database() AND state LIKE 'idle in transaction%'
     AND state_change < now() - make_interval(secs => $1)
   ORDER BY state_change LIMIT 200`;

const counted = `SELECT count(*)::int AS sessions FROM pg_stat_activity WHERE datname = current_database()`;

/** Logins that end by themselves, and so were lent; whose schema they work on stands in their membership. */
const lent = `
  SELECT r.rolname AS name, substr(owner.rolname, 5) AS service,
         (extract(epoch FROM now() - r.rolvaliduntil) * 1000)::float8 AS past_ms
    FROM pg_roles r
    JOIN pg_auth_members m ON m.member = r.oid AND NOT m.admin_option
    JOIN pg_roles owner ON owner.oid = m.roleid AND owner.rolname LIKE 'svc\\_%'
   WHERE r.rolcanlogin AND isfinite(r.rolvaliduntil)
   ORDER BY r.rolname LIMIT 2000`;

export interface IdleSession {
  pid: number;
  username: string;
  application: string;
  idle_ms: number;
}

/** A login lent by Vault. `past_ms` is how long ago it should have ended; negative while it lives. */
export interface LentLogin {
  name: string;
  service: string;
  past_ms: number;
}

/** Sessions that have been idle in a transaction for longer than `seconds`; null where this login may not see them. */
export async function idleInTransaction(
  database: Queryable,
  seconds: number,
): Promise<{ sessions: number; idle: IdleSession[] } | null> {
  const [may] = await database.query<{ allowed: boolean }>(mayLook);
  if (may?.allowed !== true) return null;
  const [count] = await database.query<{ sessions: number }>(counted);
  return { sessions: count!.sessions, idle: await database.query<IdleSession>(idle, [seconds]) };
}

export const lentLogins = (database: Queryable): Promise<LentLogin[]> => database.query<LentLogin>(lent);
