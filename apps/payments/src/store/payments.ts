/**
 * Payments in PostgreSQL. Every change, whether a command, a provider's reply or a webhook, goes through `apply`:
 * changes that arrive together are one transaction, and each is decided on the locked row it belongs to.
 */
import { defect } from '@ballast/faults';
import { createMessage, type Message } from '@ballast/messaging';
import { rememberMessages, type Outbox } from '@ballast/outbox';
import { createBatcher, type Database, type Transaction } from '@ballast/postgres';
import { outgoingTraceparent, ProblemError } from '@ballast/service';
import {
  applyCommand,
  applyFact,
  nextStep,
  type Change,
  type Fact,
  type Payment,
  type PaymentCommand,
} from '../domain/payment.ts';
import { applyEvidence } from './evidence.ts';
import * as sql from './sql.ts';

/** Name under which the inbox remembers commands. */
export const consumer = 'payments.commands';

/** Where a fact was learnt. A webhook carries its event, so that the same one counts once. */
export type Source = { kind: 'reply' } | { kind: 'webhook'; provider: string; eventId: string; type: string };

export interface Applied {
  payment: Payment;
  /** False when the message or event had its effect before. */
  fresh: boolean;
  /** True when the caller now has the payment to itself and is to drive it; see `driver.ts`. */
  leased: boolean;
}

export interface PaymentStore {
  command(message: Message & PaymentCommand): Promise<Applied>;
  /** `holdsLease`: the caller is the driver that made the call this fact answers. */
  fact(orderId: string, fact: Fact, source: Source, holdsLease: boolean): Promise<Applied>;
  /** Leases payments that nobody is driving and that are due. */
  takeAbandoned(limit: number): Promise<Payment[]>;
  /** Gives a payment back, to be tried again in `delayMs`. */
  postpone(orderId: string, delayMs: number): Promise<void>;
  find(orderId: string): Promise<Payment | null>;
}

type Item = { orderId: string; traceparent: string } & (
  | { kind: 'command'; message: Message & PaymentCommand }
  | { kind: 'fact'; fact: Fact; source: Source; holdsLease: boolean }
);

export function createPaymentStore(database: Database, outbox: Outbox): PaymentStore {
  const applyAll = (items: readonly Item[]): Promise<Applied[]> =>
    database.transaction((transaction) => change(transaction, outbox, items));
  const apply = createBatcher<Item, Applied>({
    key: (item) => item.orderId,
    one: async (item) => (await applyAll([item]))[0]!,
    many: applyAll,
    lanes: 2,
  });
  return {
    command: (message) =>
      apply({ kind: 'command', orderId: message.body.orderId, message, traceparent: outgoingTraceparent() }),
    fact: (orderId, fact, source, holdsLease) =>
      apply({ kind: 'fact', orderId, fact, source, holdsLease, traceparent: outgoingTraceparent() }),
    takeAbandoned: async (limit) =>
      (await database.query<sql.PaymentRow>(sql.takeAbandoned, [limit])).map(sql.toPayment),
    postpone: async (orderId, delayMs) => void (await database.query(sql.postpone, [orderId, delayMs / 1000])),
    find: async (orderId) => {
      const [row] = await database.query<sql.PaymentRow>(sql.find, [orderId]);
      return row === undefined ? null : sql.toPayment(row);
    },
  };
}

async function change(transaction: Transaction, outbox: Outbox, items: readonly Item[]): Promise<Applied[]> {
  // Locks are taken in one order everywhere: inbox, webhook events, payments.
  const commands = items.filter((item) => item.kind === 'command');
  const news =
    commands.length === 0
      ? new Set()
      : await rememberMessages(
          transaction,
          consumer,
          commands.map((item) => item.message.id),
        );
  const events = items.flatMap((item) =>
    item.kind === 'fact' && item.source.kind === 'webhook' ? [{ orderId: item.orderId, ...item.source }] : [],
  );
  const freshEvents = await rememberEvents(transaction, events);
  // A refund is of something that is there, or it is refused: it leaves no row of its own.
  const begun = commands.filter((item) => item.message.type !== 'RefundPayment').map((item) => item.orderId);
  if (begun.length > 0) await transaction.query(sql.makeRoom, [begun]);
  const rows = await transaction.query<sql.LockedRow>(sql.lock, [items.map((item) => item.orderId)]);
  const known = new Map(rows.map((row) => [row.order_id, row]));

  const changed: { change: Change; lease: sql.Lease; source: string }[] = [];
  const messages: Message[] = [];
  const applied = items.map((item): Applied => {
    const row = known.get(item.orderId) ?? (item.kind === 'command' ? sql.unasked(item.orderId) : undefined);
    if (row === undefined) throw new ProblemError('unknown-order', 'There is no payment for this order.');
    const before = sql.toPayment(row);
    const fresh =
      item.kind === 'command'
        ? news.has(item.message.id)
        : item.source.kind === 'reply' || freshEvents.has(keyOf(item.source));
    if (!fresh) return { payment: before, fresh, leased: false };
    const result = item.kind === 'command' ? applyCommand(before, item.message) : learn(before, item);
    const unsettled = nextStep(result.payment) !== null;
    const free = !row.leased || (item.kind === 'fact' && item.holdsLease);
    // Whoever applies a change to a free payment drives it on; a held one is its holder's, who looks again when done.
    changed.push({
      change: result,
      lease: free ? (unsettled ? 'take' : 'release') : 'keep',
      source: item.kind === 'fact' ? item.source.kind : 'reply',
    });
    const causationId = item.kind === 'command' ? item.message.id : null;
    messages.push(
      ...result.events.map((event) =>
        createMessage({ ...event, correlationId: item.orderId, causationId }, item.traceparent),
      ),
    );
    return { payment: result.payment, fresh, leased: free && unsettled };
  });
  if (changed.length > 0)
    await transaction.query(sql.write, [
      JSON.stringify(
        changed.map(({ change: { payment }, lease }) => sql.toRow(payment, lease, nextStep(payment) !== null)),
      ),
    ]);
  const ledger = changed.flatMap(({ change: { payment, ledger: entries }, source }) =>
    entries.map((entry) => ({ ...entry, order_id: payment.orderId, source })),
  );
  if (ledger.length > 0) await transaction.query(sql.enter, [JSON.stringify(ledger)]);
  await outbox.append(transaction, messages);
  return applied;
}

const learn = (payment: Payment, { fact, source }: { fact: Fact; source: Source }): Change =>
  source.kind === 'reply' ? applyFact(payment, fact) : applyEvidence(payment, fact, source.provider);

const keyOf = (source: { provider: string; eventId: string }): string => `${source.provider} ${source.eventId}`;

async function rememberEvents(
  transaction: Transaction,
  events: { orderId: string; provider: string; eventId: string; type: string }[],
): Promise<Set<string>> {
  if (events.length === 0) return new Set();
  if (defect('payments.webhook-no-dedupe')) return new Set(events.map(keyOf));
  const rows = await transaction.query<{ provider: string; event_id: string }>(sql.rememberEvents, [
    JSON.stringify(events),
  ]);
  return new Set(rows.map((row) => keyOf({ provider: row.provider, eventId: row.event_id })));
}
