/** The list of what was revoked, as services read it. */
import type { Revocations } from '@ballast/contracts';
import type { Queryable } from '@ballast/postgres';

const pageSize = 5_000;

// Whoever begins gets what still matters; whoever goes on gets everything, in order of commit.
const readStatement = {
  name: 'read-revocations',
  text: `
    SELECT seq, id, ceil(extract(epoch FROM expires_at))::int AS until
      FROM revocations
     WHERE seq > coalesce($1, 0) AND ($1::bigint IS NOT NULL OR expires_at > now())
     ORDER BY seq
     LIMIT ${pageSize}`,
};

/** What was revoked after `after`, oldest first; from the beginning without it. */
export async function readRevocations(database: Queryable, after: string | undefined): Promise<Revocations> {
  const rows = await database.query<{ seq: string; id: string; until: number }>(readStatement, [after ?? null]);
  return {
    items: rows.map(({ id, until }) => ({ id, until })),
    cursor: rows.at(-1)?.seq ?? after ?? '0',
    more: rows.length === pageSize,
  };
}

const newestStatement = {
  name: 'newest-revocation',
  text: 'SELECT coalesce(max(seq), 0)::text AS seq FROM revocations',
};

/** Where the list ends now. */
export async function newestRevocation(database: Queryable): Promise<string> {
  const [row] = await database.query<{ seq: string }>(newestStatement);
  return row!.seq;
}
