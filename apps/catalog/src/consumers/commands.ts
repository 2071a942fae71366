/**
 * The queue `catalog.commands`. Messages that wait together are carried out in one transaction: remembered, decided,
 * written, and their events stored. A message that is remembered already has had its effect and its event.
 */
import { Terminal, type Message } from '@ballast/messaging';
import { rememberMessages, type Outbox } from '@ballast/outbox';
import { createBatcher, isRetryable, type Database } from '@ballast/postgres';
import { outgoingTraceparent } from '@ballast/service';
import type { StockCommand, StockEvent } from '../domain/reservations.ts';
import { lockReservations, ReservationConflict, type MovedProduct } from '../store/reservations.ts';
import { applyTasks, type StockTask } from './apply.ts';
import { commitStock } from './commit-stock.ts';
import { releaseStock } from './release-stock.ts';
import { reserveStock } from './reserve-stock.ts';

/** The queue's short name, under which the inbox also remembers messages. */
export const commandQueue = 'catalog.commands';

/** The messages catalog carries out. */
export const commandTypes = ['ReserveStock', 'ReleaseStock', 'CommitStock'] as const;

export interface CommandsOptions {
  database: Database;
  outbox: Outbox;
  reservationSeconds: number;
  /** Told the events of a transaction, and the products it moved, once it has committed. */
  onCommitted: (events: readonly StockEvent[], moved: readonly MovedProduct[]) => void;
  /** Told the products of a transaction of which nobody knows whether it has committed. */
  onUnsure: (moved: readonly MovedProduct[]) => void;
}

type CommandTask = StockTask & { messageId: string };

/** How often a batch is tried when another replica decides about one of its orders at the same moment. */
const maximumConflicts = 5;

/** Returns the consumer's handler: it resolves once the command's effect is durable. */
export function createCommandHandler(options: CommandsOptions): (message: Message) => Promise<void> {
  const { database, outbox, onCommitted, onUnsure } = options;

  const applyOnce = (tasks: readonly CommandTask[], onWritten: (moved: readonly MovedProduct[]) => void) =>
    database.transaction(async (transaction) => {
      onWritten([]);
      const fresh = await rememberMessages(
        transaction,
        commandQueue,
        tasks.map((task) => task.messageId),
      );
      // delete, not has: should two tasks carry the same message id, only the first has it as its own.
      const ours = tasks.filter((task) => fresh.delete(task.messageId));
      if (ours.length === 0) return;
      const known = await lockReservations(
        transaction,
        ours.map((task) => task.command.orderId),
      );
      const { events, moved } = await applyTasks(transaction, outbox, ours, known);
      onWritten(moved);
      transaction.afterCommit(() => onCommitted(events, moved));
    });

  const apply = async (tasks: readonly CommandTask[]): Promise<void> => {
    for (let tries = 1; ; tries += 1) {
      let written: readonly MovedProduct[] = [];
      try {
        return await applyOnce(tasks, (moved) => {
          written = moved;
        });
      } catch (error) {
        // The answer to its COMMIT may be what was lost; the message that comes again would then find its work done.
        if (isRetryable(error)) onUnsure(written);
        if (!(error instanceof ReservationConflict) || tries === maximumConflicts) throw error;
      }
    }
  };

  const push = createBatcher<CommandTask, void>({
    key: (task) => task.command.orderId,
    one: (task) => apply([task]),
    many: async (tasks) => {
      await apply(tasks);
      return tasks.map(() => undefined);
    },
    lanes: 2,
  });

  return async (message) =>
    push({
      command: toCommand(message, options.reservationSeconds),
      messageId: message.id.toLowerCase(),
      traceparent: outgoingTraceparent(),
    });
}

function toCommand(message: Message, reservationSeconds: number): StockCommand {
  const command = readCommand(message, reservationSeconds);
  if (message.correlationId.toLowerCase() !== command.orderId) {
    throw new Terminal(`${message.type} is about order ${command.orderId} but belongs to ${message.correlationId}`);
  }
  return command;
}

function readCommand(message: Message, reservationSeconds: number): StockCommand {
  switch (message.type) {
    case 'ReserveStock':
      return reserveStock(message.body, { now: Date.now(), reservationSeconds });
    case 'ReleaseStock':
      return releaseStock(message.body);
    case 'CommitStock':
      return commitStock(message.body);
    default:
      throw new Terminal(`${message.type} is no command for catalog`);
  }
}
