/** PostgreSQL's own control: sessions of the mesh's services are ended where they stand. */
import { createDatabase } from '@ballast/postgres';
import type { Report } from '@ballast/service';

export interface Backends {
  /** Ends the sessions of everybody's services, or of one instance; resolves to how many there were. */
  end(instance: string | null): Promise<number>;
  close(): Promise<void>;
}

/** A superuser's sessions cannot be ended with `pg_signal_backend`, and are no service's. */
const endBackends = `
  SELECT count(pg_terminate_backend(activity.pid))::int AS ended
  FROM pg_stat_activity AS activity
  JOIN pg_roles AS role ON role.oid = activity.usesysid
  WHERE activity.datname = current_database()
    AND activity.pid <> pg_backend_pid()
    AND activity.usename <> session_user
    AND NOT role.rolsuper
    AND ($1::text IS NULL OR activity.application_name = $1)`;

export function createBackends(url: string, report: Report): Backends {
  const database = createDatabase({
    url,
    applicationName: 'chaos',
    maxConnections: 1,
    connectTimeoutMs: 2_000,
    statementTimeoutMs: 3_000,
    queryTimeoutMs: 4_000,
    onIdleError: (error) => report('the controller has lost its connection to the database', error),
  });
  return {
    end: async (instance) => {
      const [row] = await database.query<{ ended: number }>(endBackends, [instance]);
      return row?.ended ?? 0;
    },
    close: () => database.close(),
  };
}
