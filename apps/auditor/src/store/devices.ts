/** What analytics has stored of the counts of gateways' processes. */
import type { Queryable } from '@ballast/postgres';

/** One process of a gateway: what its newest report said. */
export interface GatewayRow {
  gateway: string;
  epoch: string;
  connections: number;
  sessions: number;
  attempts: number;
  accepted: number;
  rejected: number;
  /** It reported within the last seconds and did not say that it ends. */
  live: boolean;
}

// A report is written by one statement, so a snapshot never has half of one. Only the newest processes are looked at: what
// was counted long ago does not change any more.
const newest = `
  WITH newest AS (SELECT epoch, gateway, connections, sessions, NOT ended AND heard_at > now() - interval '5 seconds' AS live
                    FROM analytics.epochs ORDER BY epoch DESC LIMIT 20)
  SELECT gateway, epoch, connections::float8, sessions::float8, live,
         coalesce(sum(count) FILTER (WHERE name = 'attempts'), 0)::float8 AS attempts,
         coalesce(sum(count) FILTER (WHERE name = 'accepted'), 0)::float8 AS accepted,
         coalesce(sum(count) FILTER (WHERE name = 'rejected'), 0)::float8 AS rejected
    FROM newest LEFT JOIN analytics.epoch_counts USING (epoch)
   GROUP BY gateway, epoch, connections, sessions, live
   ORDER BY epoch DESC`;

/** The newest processes, the newest first. */
export const gatewayRows = (database: Queryable): Promise<GatewayRow[]> => database.query<GatewayRow>(newest);
