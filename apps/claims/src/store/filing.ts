/**
 * Filing a claim: of any number of callers with one key the first writer wins, and one statement decides it.
 *
 * The statement looks the key up and inserts where it found nothing; the unique constraint settles what the look-up
 * could not see. A key that is there is only read: a replay leaves no row version and no WAL. Claims that arrive while
 * a statement is on its way go together in the next (libs/postgres, group commit).
 */
import { randomUUIDv7 } from 'node:crypto';
import type { Claim, CreateClaim } from '@ballast/contracts';
import { declareFailPoints, defect, failPoint } from '@ballast/faults';
import { createBatcher, type Database } from '@ballast/postgres';
import { checkThenInsert } from './check-then-insert.ts';
import { claimColumns, toClaim, type ClaimRow } from './rows.ts';

declareFailPoints({
  'before-claim': 'claims are checked and not filed yet',
  'after-claim': 'claims are filed and their callers are not answered yet',
});

/** A claim as its caller files it. */
export interface NewClaim extends CreateClaim {
  userId: string;
  idempotencyKey: string;
  fingerprint: string;
}

/** What is filed under a key. `first`: this very call filed it, which the id it had brought along tells. */
export interface Filed {
  claim: Claim;
  fingerprint: string;
  first: boolean;
}

/** A claim with an id, should it be the first of its key. */
export interface FilingItem extends NewClaim {
  claimId: string;
}

interface FilingRow extends ClaimRow {
  ordinal: string;
}

/** One row is cheaper to plan and to run than a batch of one. */
const oneGiven = `
    SELECT $1::uuid AS claim_id, $2::uuid AS user_id, $3::text AS idempotency_key, $4::text AS fingerprint,
           $5::uuid AS order_id, $6::text AS reason, $7::text AS details, 1::bigint AS ordinal`;
const manyGiven = `
    SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::uuid[], $6::text[], $7::text[])
        WITH ORDINALITY AS g(claim_id, user_id, idempotency_key, fingerprint, order_id, reason, details, ordinal)`;

/** LATERAL keeps the look-up on the index also where a plan was made while the table was still empty. */
const known = `
    SELECT g.ordinal, c.*
      FROM given g
     CROSS JOIN LATERAL (
       SELECT ${claimColumns} FROM claims
        WHERE claims.idempotency_key = g.idempotency_key AND claims.user_id = g.user_id LIMIT 1) c`;

/**
 * The rows of keys that are known, and of those filed by this statement. Sorted by key, so that replicas which file
 * the same keys at the same time wait for each other in one order.
 */
const fileText = (given: string): string => `
  WITH given AS (${given}
  ), known AS (${known}
  ), filed AS (
    INSERT INTO claims (claim_id, user_id, idempotency_key, fingerprint, order_id, reason, details, amount, currency)
    SELECT g.claim_id, g.user_id, g.idempotency_key, g.fingerprint, g.order_id, g.reason, g.details, o.total_amount, o.currency
      FROM given g JOIN completed_orders o ON o.order_id = g.order_id AND o.user_id = g.user_id
     WHERE g.ordinal NOT IN (SELECT ordinal FROM known)
     ORDER BY g.idempotency_key, g.user_id
    ON CONFLICT (idempotency_key, user_id) DO NOTHING
    RETURNING ${claimColumns}
  )
  SELECT ordinal, ${claimColumns} FROM known
  UNION ALL
  SELECT given.ordinal, ${claimColumns
    .split(', ')
    .map((column) => `filed.${column}`)
    .join(', ')} FROM filed JOIN given USING (claim_id)`;

const fileOne = { name: 'claim-file-one', text: fileText(oneGiven) };
const fileMany = { name: 'claim-file-many', text: fileText(manyGiven) };
const findMany = {
  name: 'claim-find-by-key',
  text: `
  WITH given AS (
    SELECT * FROM unnest($1::uuid[], $2::text[]) WITH ORDINALITY AS g(user_id, idempotency_key, ordinal)
  )
  SELECT known.* FROM (${known}) known`,
};

/** The statement as people read it. */
export const filingStatement = fileMany.text.trim();

/**
 * Returns the function that files a claim. It resolves once the claim is durable, or to null where nothing is filed
 * under the key and the order is not known as a completed one of this caller. Rejects with a retryable error when the
 * database cannot be used; the claim may have been filed then, and the same key finds it.
 */
export function createFiling(database: Database): (claim: NewClaim) => Promise<Filed | null> {
  const write = async (items: readonly FilingItem[]): Promise<(FilingRow | undefined)[]> => {
    await failPoint('before-claim');
    const rows =
      items.length === 1
        ? await database.query<FilingRow>(fileOne, parametersOf(items[0]!))
        : await database.query<FilingRow>(fileMany, columnsOf(items));
    const ordered = inOrder(rows, items.length);
    if (items.some((item, index) => ordered[index]?.claim_id === item.claimId)) await failPoint('after-claim');
    return ordered;
  };

  /**
   * What has no row now was lost to another replica in this very moment, or its order is not known. In the first case
   * the insert has waited for the winner's commit, but the statement's snapshot is older and could not read its row
   * (READ COMMITTED takes a snapshot per statement): a second statement sees it.
   */
  const writeAndLookAgain = async (items: readonly FilingItem[]): Promise<(FilingRow | undefined)[]> => {
    const rows = await write(items);
    const missing = items.flatMap((item, index) => (rows[index] === undefined ? [{ item, index }] : []));
    if (missing.length === 0) return rows;
    const found = await database.query<FilingRow>(findMany, [
      missing.map(({ item }) => item.userId),
      missing.map(({ item }) => item.idempotencyKey),
    ]);
    for (const row of found) rows[missing[Number(row.ordinal) - 1]!.index] = row;
    return rows;
  };

  /**
   * Callers with the same key and request share one row of the statement; the first of them speaks for it. Different
   * requests under one key have rows of their own, because one may be about an order that is not known.
   */
  const fileTogether = async (items: readonly FilingItem[]): Promise<(Filed | null)[]> => {
    const places = new Map<string, number>();
    const different: FilingItem[] = [];
    const placeOf = items.map((item) => {
      const key = `${item.userId} ${item.idempotencyKey} ${item.fingerprint}`;
      const place = places.get(key) ?? different.push(item) - 1;
      places.set(key, place);
      return place;
    });
    const rows = await writeAndLookAgain(different);
    return items.map((item, index) => {
      const row = rows[placeOf[index]!];
      if (row === undefined) return null;
      return {
        claim: toClaim(row),
        fingerprint: row.fingerprint,
        first: row.claim_id === item.claimId,
      };
    });
  };

  const push = createBatcher<FilingItem, Filed | null>({
    // Nothing is kept apart by it: callers with the same key may share a batch.
    key: (item) => item.claimId,
    one: async (item) => (await fileTogether([item]))[0]!,
    many: fileTogether,
  });
  return (claim) => {
    const item = { ...claim, claimId: randomUUIDv7() };
    return defect('claims.check-then-insert') ? checkThenInsert(database, item) : push(item);
  };
}

const parametersOf = (item: FilingItem): string[] => [
  item.claimId,
  item.userId,
  item.idempotencyKey,
  item.fingerprint,
  item.orderId,
  item.reason,
  item.details,
];

function columnsOf(items: readonly FilingItem[]): string[][] {
  const rows = items.map(parametersOf);
  return rows[0]!.map((_, column) => rows.map((row) => row[column]!));
}

function inOrder(rows: readonly FilingRow[], count: number): (FilingRow | undefined)[] {
  const ordered = Array.from<FilingRow | undefined>({ length: count });
  for (const row of rows) ordered[Number(row.ordinal) - 1] = row;
  return ordered;
}
