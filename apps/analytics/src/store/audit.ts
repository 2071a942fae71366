/** The audit trail in PostgreSQL: written once per event, searched by index, newest first, and kept for so many days. */
import type { DeviceEvent } from '@ballast/contracts';
import type { Queryable } from '@ballast/postgres';

/** An event and the process that told it. Its texts can be stored. */
export interface AuditEvent extends DeviceEvent {
  gateway: string;
  epoch: string;
}

const insertEvents = {
  name: 'insert-events',
  text: `
    WITH stored AS (
      INSERT INTO device_events
             (id, kind, at, device_id, claimed_id, session_id, remote_address, reason, gateway, epoch)
      SELECT * FROM unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::text[], $5::text[], $6::uuid[], $7::text[],
                           $8::text[], $9::text[], $10::uuid[])
                    AS given(id, kind, at, device_id, claimed_id, session_id, remote_address, reason, gateway, epoch)
       ORDER BY id
      ON CONFLICT (id) DO NOTHING
      RETURNING id
    )
    SELECT count(*)::int AS stored FROM stored`,
};

/** Stores events that are not there yet, in one statement; returns how many that were. */
export async function insertAuditEvents(database: Queryable, events: readonly AuditEvent[]): Promise<number> {
  const [row] = await database.query<{ stored: number }>(insertEvents, [
    events.map(({ id }) => id),
    events.map(({ kind }) => kind),
    events.map(({ at }) => at),
    events.map(({ deviceId }) => deviceId),
    events.map(({ claimedId }) => claimedId),
    events.map(({ sessionId }) => sessionId),
    events.map(({ remoteAddress }) => remoteAddress),
    events.map(({ reason }) => reason),
    events.map(({ gateway }) => gateway),
    events.map(({ epoch }) => epoch),
  ]);
  return row!.stored;
}

/** What is looked for; what is missing does not matter. */
export interface AuditSearch {
  deviceId?: string | undefined;
  claimedId?: string | undefined;
  reason?: string | undefined;
  kind?: DeviceEvent['kind'] | undefined;
  /** From then on, RFC 3339. */
  from?: string | undefined;
  /** Before then, RFC 3339. */
  to?: string | undefined;
  /** Where the page before ended. */
  after?: { at: string; id: string } | undefined;
  limit: number;
}

/** The filters, the most telling first: its index leads. */
const filters = ['device_id', 'claimed_id', 'reason', 'kind'] as const;
type Filter = (typeof filters)[number];

const searchText = (lead: Filter | null): string => `
  SELECT id, kind, at, device_id, claimed_id, session_id, remote_address, reason, gateway
    FROM device_events
   WHERE at >= $5::timestamptz AND at < $6::timestamptz AND (at, id) < ($7::timestamptz, $8::uuid)
     ${filters
       .map((filter, index) =>
         filter === lead
           ? `AND ${filter} = $${index + 1}::text`
           : `AND ($${index + 1}::text IS NULL OR ${filter} = $${index + 1}::text)`,
       )
       .join('\n     ')}
   ORDER BY at DESC, id DESC
   LIMIT $9`;

/** One statement per leading filter, each on an index of its own; `none` is for searches by time alone. */
export const searchStatements: Readonly<Record<Filter | 'none', { name: string; text: string }>> = {
  device_id: { name: 'search-events-device', text: searchText('device_id') },
  claimed_id: { name: 'search-events-claimed', text: searchText('claimed_id') },
  reason: { name: 'search-events-reason', text: searchText('reason') },
  kind: { name: 'search-events-kind', text: searchText('kind') },
  none: { name: 'search-events', text: searchText(null) },
};

const last = { at: 'infinity', id: 'ffffffff-ffff-ffff-ffff-ffffffffffff' };

interface EventRow {
  id: string;
  kind: DeviceEvent['kind'];
  at: Date;
  device_id: string | null;
  claimed_id: string | null;
  session_id: string | null;
  remote_address: string;
  reason: string | null;
  gateway: string;
}

/** Events that fit, newest first. */
export async function searchAuditEvents(
  database: Queryable,
  search: AuditSearch,
): Promise<(DeviceEvent & { gateway: string })[]> {
  const { deviceId = null, claimedId = null, reason = null, kind = null } = search;
  const given = [deviceId, claimedId, reason, kind];
  const lead = filters.find((_, index) => given[index] !== null) ?? 'none';
  const after = search.after ?? last;
  const rows = await database.query<EventRow>(searchStatements[lead], [
    ...given,
    search.from ?? '-infinity',
    search.to ?? 'infinity',
    after.at,
    after.id,
    search.limit,
  ]);
  return rows.map((row) => ({
    id: row.id,
    kind: row.kind,
    at: row.at.toISOString(),
    deviceId: row.device_id,
    claimedId: row.claimed_id,
    sessionId: row.session_id,
    remoteAddress: row.remote_address,
    reason: row.reason,
    gateway: row.gateway,
  }));
}

const batch = 1_000;
const deleteOld = {
  name: 'delete-old-events',
  text: `
    DELETE FROM device_events
     WHERE id IN (SELECT id FROM device_events WHERE at < now() - make_interval(days => $1)
                   ORDER BY at LIMIT ${batch} FOR UPDATE SKIP LOCKED)
    RETURNING kind`,
};

/** Deletes events older than so many days, a thousand at a time; returns how many. */
export async function deleteOldEvents(database: Queryable, days: number): Promise<number> {
  for (let deleted = 0; ;) {
    const some = (await database.query(deleteOld, [days])).length;
    deleted += some;
    if (some < batch) return deleted;
  }
}
