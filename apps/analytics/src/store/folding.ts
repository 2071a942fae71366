/**
 * Processes that are over are folded: their counts go into `base_counts`, their rows go away, their ids stay for a month.
 *
 * A process is over when its last report was heard or a newer process of its gateway was. It is folded a day after it was
 * last heard of; one that merely fell silent, after a week; and sooner where there are more than a thousand. What is
 * still heard of a folded process does not count, see `counting.ts`.
 */
import type { Database } from '@ballast/postgres';

/** How long the ids of folded processes are remembered, in days. A report of an unknown process that is older is refused. */
export const rememberedDays = 30;
/** Processes that are kept unfolded. */
const keptEpochs = 1_000;
const batch = 50;

const lockFolding = {
  name: 'lock-folding',
  text: `SELECT pg_advisory_xact_lock(hashtext('ballast.analytics.fold'))`,
};

const fold = {
  name: 'fold-epochs',
  text: `
    WITH ranked AS (
      SELECT epoch, heard_at, row_number() OVER (ORDER BY heard_at DESC) AS place,
             ended OR EXISTS (SELECT FROM epochs n WHERE n.gateway = e.gateway AND n.epoch > e.epoch) AS finished
        FROM epochs e
    ), chosen AS (
      SELECT epoch FROM ranked
       WHERE (finished AND heard_at < now() - interval '24 hours')
          OR heard_at < now() - interval '7 days'
          OR (place > $1 AND heard_at < now() - interval '10 minutes')
       ORDER BY heard_at LIMIT ${batch}
    ), removed AS (
      DELETE FROM epochs e USING chosen c WHERE e.epoch = c.epoch RETURNING e.epoch
    ), counts AS (
      DELETE FROM epoch_counts k USING chosen c WHERE k.epoch = c.epoch RETURNING k.name, k.label, k.device, k.count
    ), added AS (
      INSERT INTO base_counts AS b (name, label, device, count)
      SELECT name, label, device, sum(count) FROM counts GROUP BY 1, 2, 3
      ON CONFLICT (name, label, device) DO UPDATE SET count = b.count + EXCLUDED.count
    )
    INSERT INTO folded_epochs (epoch) SELECT epoch FROM removed
    RETURNING epoch`,
};

const forget = {
  name: 'forget-folded-epochs',
  text: `DELETE FROM folded_epochs
          WHERE epoch IN (SELECT epoch FROM folded_epochs
                           WHERE folded_at < now() - interval '${rememberedDays} days' ORDER BY folded_at LIMIT 1000)
         RETURNING epoch`,
};

/** Folds what is over, a few at a time, and forgets what was folded long ago. Returns how many were folded. */
export async function foldEpochs(database: Database, kept = keptEpochs): Promise<number> {
  let folded = 0;
  for (;;) {
    const rows = await database.transaction(async (transaction) => {
      await transaction.query(lockFolding);
      return transaction.query(fold, [kept]);
    });
    folded += rows.length;
    if (rows.length < batch) break;
  }
  while ((await database.query(forget)).length === 1_000);
  return folded;
}
