/** What gateways have counted, in PostgreSQL: a row per counter of each process, the largest number heard of. */
import type { Queryable } from '@ballast/postgres';
import type { Count, SeriesName } from '../domain/series.ts';

/** How far the reports of a process have come, and what the last of them said of the moment. */
export interface EpochState {
  epoch: string;
  gateway: string;
  seq: number;
  connections: number;
  sessions: number;
  /** Its last report was heard. */
  last: boolean;
}

/** Counts of one process. */
export interface EpochCounts extends EpochState {
  counts: readonly Count[];
}

// Whoever writes reports holds it together with others, whoever folds holds it alone: no process is folded away between
// the look whether it was and the write.
const lockAgainstFolding = {
  name: 'lock-against-folding',
  text: `SELECT pg_advisory_xact_lock_shared(hashtext('ballast.analytics.fold'))`,
};

const findEpochs = {
  name: 'find-epochs',
  text: `
    SELECT epoch, true AS folded FROM folded_epochs WHERE epoch = ANY ($1::uuid[])
    UNION ALL
    SELECT epoch, false FROM epochs WHERE epoch = ANY ($1::uuid[])`,
};

// Sorted, so that two that write the same rows wait for each other in one order. What has not grown is not written.
const writeReports = {
  name: 'write-reports',
  text: `
    WITH heard AS (
      INSERT INTO epochs AS e (epoch, gateway, seq, connections, sessions, ended)
      SELECT * FROM unnest($1::uuid[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::boolean[])
                    AS given(epoch, gateway, seq, connections, sessions, ended)
       ORDER BY epoch
      ON CONFLICT (epoch) DO UPDATE
         SET seq = EXCLUDED.seq, connections = EXCLUDED.connections, sessions = EXCLUDED.sessions,
             ended = e.ended OR EXCLUDED.ended, heard_at = now()
       WHERE EXCLUDED.seq > e.seq
    )
    INSERT INTO epoch_counts AS c (epoch, name, label, device, count)
    SELECT * FROM unnest($7::uuid[], $8::text[], $9::text[], $10::text[], $11::bigint[])
                  AS given(epoch, name, label, device, count)
     ORDER BY epoch, name, label, device
    ON CONFLICT (epoch, name, label, device) DO UPDATE
       SET count = GREATEST(c.count, EXCLUDED.count)
     WHERE EXCLUDED.count > c.count`,
};

/** For the rest of the transaction nothing is folded. Tells which of these processes are known, and which were folded. */
export async function lookUpEpochs(
  transaction: Queryable,
  epochs: readonly string[],
): Promise<Map<string, 'known' | 'folded'>> {
  await transaction.query(lockAgainstFolding);
  const rows = await transaction.query<{ epoch: string; folded: boolean }>(findEpochs, [epochs]);
  return new Map(rows.map(({ epoch, folded }) => [epoch, folded ? 'folded' : 'known']));
}

/** Writes reports of different processes, one of each; what is smaller than a row has changes nothing. */
export async function writeEpochs(transaction: Queryable, reports: readonly EpochCounts[]): Promise<void> {
  const counts = reports.flatMap((report) => report.counts.map((count) => ({ ...count, epoch: report.epoch })));
  await transaction.query(writeReports, [
    reports.map(({ epoch }) => epoch),
    reports.map(({ gateway }) => gateway),
    reports.map(({ seq }) => seq),
    reports.map(({ connections }) => connections),
    reports.map(({ sessions }) => sessions),
    reports.map(({ last }) => last),
    counts.map(({ epoch }) => epoch),
    counts.map(({ name }) => name),
    counts.map(({ label }) => label),
    counts.map(({ device }) => device),
    counts.map(({ count }) => count),
  ]);
}

const selectEpochs = {
  name: 'select-epochs',
  text: `
    SELECT epoch, gateway, seq, connections, sessions, ended,
           greatest(0, extract(epoch FROM clock_timestamp() - heard_at) * 1000)::float8 AS ago_ms
      FROM epochs ORDER BY epoch`,
};

// One statement, so that a process that is folded meanwhile is seen on one side only.
const selectCounts = {
  name: 'select-counts',
  text: `
    SELECT epoch, name, label, device, count FROM epoch_counts
    UNION ALL
    SELECT NULL, name, label, device, count FROM base_counts`,
};

/** All that is known. */
export interface Stored {
  /** Oldest process first. `agoMs`: when its newest report was heard. */
  epochs: (EpochState & { agoMs: number })[];
  /** `epoch` is null for what was folded. */
  counts: (Count & { epoch: string | null })[];
}

export async function readStored(database: Queryable): Promise<Stored> {
  // Counts first: a process that is folded in between is missing from the processes, which does no harm.
  const counts = await database.query<{
    epoch: string | null;
    name: SeriesName;
    label: string;
    device: string;
    count: string;
  }>(selectCounts);
  const epochs = await database.query<{
    epoch: string;
    gateway: string;
    seq: string;
    connections: string;
    sessions: string;
    ended: boolean;
    ago_ms: number;
  }>(selectEpochs);
  return {
    epochs: epochs.map((row) => ({
      epoch: row.epoch,
      gateway: row.gateway,
      seq: Number(row.seq),
      connections: Number(row.connections),
      sessions: Number(row.sessions),
      last: row.ended,
      agoMs: row.ago_ms,
    })),
    counts: counts.map((row) => ({ ...row, count: Number(row.count) })),
  };
}
