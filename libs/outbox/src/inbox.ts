/** The inbox: which messages have already had their effect. */
import { defect } from '@ballast/faults';
import type { Queryable } from '@ballast/postgres';

const remember = {
  name: 'inbox-remember',
  // Sorted, because two transactions that insert the same ids in different order would deadlock.
  text: `
  INSERT INTO inbox (message_id, consumer)
  SELECT message_id, $2 FROM unnest($1::uuid[]) AS m(message_id) ORDER BY message_id
  ON CONFLICT DO NOTHING
  RETURNING message_id`,
};

/**
 * Remembers messages for a consumer inside the transaction of their effect; returns the ids that are new. Whoever is
 * not in the answer has had its effect before and must have none now.
 */
export async function rememberMessages(
  transaction: Queryable,
  consumer: string,
  messageIds: readonly string[],
): Promise<Set<string>> {
  const rows = await transaction.query<{ message_id: string }>(remember, [messageIds, consumer]);
  if (defect('outbox.no-inbox')) return new Set(messageIds);
  return new Set(rows.map((row) => row.message_id));
}
