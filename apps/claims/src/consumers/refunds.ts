/**
 * The queue `claims.refunds`: what payments did with the money of granted claims. Messages that wait together are one
 * transaction: remembered, claims locked, the rules asked, states written. A remembered message has had its effect.
 */
import type { ClaimState } from '@ballast/contracts';
import { Terminal, type Message } from '@ballast/messaging';
import { rememberMessages } from '@ballast/outbox';
import { createBatcher, type Database, type Transaction } from '@ballast/postgres';
import { refundOutcomes, type RefundEvent } from '../domain/claims.ts';
import { lockClaims, settleClaims } from '../store/decisions.ts';

/** The queue's short name, under which the inbox also remembers messages. */
export const refundQueue = 'claims.refunds';

/** The messages claims listens to. */
export const refundTypes = ['PaymentRefunded', 'RefundRefused'] as const;

interface Told {
  messageId: string;
  event: RefundEvent;
  claimId: string;
  orderId: string;
  refusal: string | null;
}

/** Returns the consumer's handler: it resolves once the message's effect is durable. `onReached`: after the commit. */
export function createRefundHandler(
  database: Database,
  onReached: (state: ClaimState) => void,
): (message: Message) => Promise<void> {
  const applyIn = async (transaction: Transaction, told: readonly Told[]): Promise<void> => {
    const fresh = await rememberMessages(
      transaction,
      refundQueue,
      told.map(({ messageId }) => messageId),
    );
    const ours = told.filter(({ messageId }) => fresh.has(messageId));
    const claims = await lockClaims(
      transaction,
      ours.map(({ claimId }) => claimId),
    );
    const settled = ours.flatMap(({ event, claimId, orderId, refusal }) => {
      const claim = claims.get(claimId);
      if (claim === undefined || claim.orderId !== orderId)
        throw new Terminal(`${event} is about a claim ${claimId} of order ${orderId}, which does not exist`);
      const state = refundOutcomes[claim.state][event];
      if (state === 'impossible') throw new Terminal(`${event} is about claim ${claimId}, which is ${claim.state}`);
      return state === claim.state ? [] : [{ claimId, state, refusal }];
    });
    await settleClaims(transaction, settled);
    transaction.afterCommit(() => {
      for (const { state } of settled) onReached(state);
    });
  };
  const apply = (told: readonly Told[]): Promise<void> =>
    database.transaction((transaction) => applyIn(transaction, told));

  const push = createBatcher<Told, void>({
    // One message of a claim at a time: the next one must find what this one has left.
    key: ({ claimId }) => claimId,
    one: (told) => apply([told]),
    many: async (told) => {
      await apply(told);
      return told.map(() => undefined);
    },
  });
  return async (message) => push(toTold(message));
}

function toTold(message: Message): Told {
  if (message.type !== 'PaymentRefunded' && message.type !== 'RefundRefused')
    throw new Terminal(`${message.type} is nothing claims listens to`);
  const { body } = message;
  return {
    messageId: message.id,
    event: message.type,
    // Ids may be written in upper case; rows are found by them as PostgreSQL writes them.
    claimId: body.claimId.toLowerCase(),
    orderId: body.orderId.toLowerCase(),
    refusal: message.type === 'RefundRefused' ? `${message.body.code}: ${message.body.detail}` : null,
  };
}
