/** Carrying out commands on stock: what is known is locked and read, the domain decides, and all of it is written. */
import { createMessage, Terminal, type OutgoingMessage } from '@ballast/messaging';
import type { Outbox } from '@ballast/outbox';
import type { Transaction } from '@ballast/postgres';
import {
  decide,
  productsConcerned,
  type Known,
  type Reservation,
  type Stock,
  type StockCommand,
  type StockEvent,
} from '../domain/reservations.ts';
import { lockStock, writeChanges, type MovedProduct } from '../store/reservations.ts';
import { misdecided } from './planted.ts';

/** A command and what its event needs to tell where it came from. `messageId` is null where no message asked. */
export interface StockTask {
  command: StockCommand;
  messageId: string | null;
  traceparent: string;
}

/**
 * Carries out tasks of different orders one after the other, inside the caller's transaction: a later one sees the
 * stock an earlier one has left. `known` are the orders' reservations, already locked. Throws `Terminal` for a command
 * that can have no effect and no answer. Returns the events, in the tasks' order, and the products whose rows it wrote:
 * copies of them are old once the transaction has committed.
 */
export async function applyTasks(
  transaction: Transaction,
  outbox: Outbox,
  tasks: readonly StockTask[],
  known: ReadonlyMap<string, Reservation>,
): Promise<{ events: StockEvent[]; moved: MovedProduct[] }> {
  const knownOf = ({ command }: StockTask): Known => known.get(command.orderId) ?? { state: 'unknown' };
  const concerned = new Set(tasks.flatMap((task) => productsConcerned(task.command, knownOf(task))));
  const stock = await lockStock(transaction, [...concerned]);
  const pending = new Map<string, Stock>();
  const reservations: { orderId: string; isNew: boolean; reservation: Reservation }[] = [];
  const events: StockEvent[] = [];
  for (const task of tasks) {
    const { orderId } = task.command;
    const outcome = decide(task.command, knownOf(task), stock);
    if ('refused' in outcome) throw new Terminal(outcome.refused);
    const decided = misdecided(task.command, outcome, stock);
    for (const [productId, pieces] of decided.stock) {
      stock.set(productId, pieces);
      pending.set(productId, pieces);
    }
    if (decided.reservation !== null) {
      reservations.push({ orderId, isNew: !known.has(orderId), reservation: decided.reservation });
    }
    events.push(decided.event);
  }
  const moved = await writeChanges(transaction, { stock: pending, reservations });
  await outbox.append(
    transaction,
    tasks.map((task, index) => toMessage(task, events[index]!)),
  );
  return { events, moved };
}

function toMessage(task: StockTask, event: StockEvent) {
  const outgoing = { ...event, correlationId: task.command.orderId, causationId: task.messageId } as OutgoingMessage;
  return createMessage(outgoing, task.traceparent);
}
