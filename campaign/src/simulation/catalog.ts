/** A replica of catalog: commands on stock with the real inbox and outbox, the real rules of stock, and a table of pieces. */
import { Terminal, type Message } from '@ballast/messaging';
import { createOutbox, type Outbox } from '@ballast/outbox';
import { createBatcher } from '@ballast/postgres';
import { Table, type OwnTransaction, type Work } from './database.ts';
import {
  decide,
  productsConcerned,
  type Reservation,
  type Stock,
  type StockCommand,
  type StockEvent,
} from './domains.ts';
import type { Effects } from './effects.ts';
import { OutboxTables } from './outbox-table.ts';
import { pollEveryMs, type Life } from './timeline.ts';
import type { World } from './world.ts';

const consumer = 'catalog.commands';

interface Task {
  command: StockCommand;
  messageId: string | null;
}

type Pieces = Stock & { initial: number };

const unheardOf = { state: 'unknown' } as const;

export class CatalogTables {
  readonly outbox = new OutboxTables();
  readonly products = new Table<Pieces>();
  readonly reservations = new Table<{ reservation: Reservation; until: number }>();

  /** When the next look for expired reservations would find one. */
  due(): number {
    let due = Infinity;
    for (const { until } of this.reservations.rows.values()) if (until < due) due = until;
    return due;
  }
}

/** Locks what is known of these orders, and their products, decides, and writes. */
function* carryOut(
  work: Work,
  { products, reservations }: CatalogTables,
  effects: Effects,
  tasks: readonly Task[],
): Generator<Work, StockEvent[], void> {
  for (const { command } of tasks) yield* take(work, reservations, command.orderId);
  const known = (task: Task) => work.get(reservations, task.command.orderId)?.reservation ?? unheardOf;
  const concerned = new Set(tasks.flatMap((task) => productsConcerned(task.command, known(task))));
  for (const id of [...concerned].toSorted()) yield* take(work, products, id);
  return tasks.map((task) => {
    const stock = new Map<string, Pieces>();
    for (const id of concerned) {
      const pieces = work.get(products, id);
      if (pieces !== undefined) stock.set(id, pieces);
    }
    const decided = decide(task.command, known(task), stock);
    if ('refused' in decided) throw new Terminal(decided.refused);
    for (const [id, pieces] of decided.stock) work.put(products, id, { ...pieces, initial: stock.get(id)!.initial });
    const { reservation } = decided;
    if (reservation !== null) {
      const until = reservation.state === 'reserved' ? Date.parse(reservation.expiresAt) : Infinity;
      work.put(reservations, task.command.orderId, { reservation, until });
    }
    if (task.messageId !== null) effects.note(work, consumer, task.messageId);
    return decided.event;
  });
}

function* take<Row extends object>(work: Work, table: Table<Row>, key: string): Generator<Work, void, void> {
  for (let holder = work.take(table, key); holder !== undefined; holder = work.take(table, key)) yield holder;
}

/** Expired reservations, locked. */
// oxlint-disable-next-line require-yield -- SKIP LOCKED
function* takeExpired(work: Work, { reservations }: CatalogTables): Generator<Work, Task[], void> {
  const overdue = (orderId: string): boolean => (work.get(reservations, orderId)?.until ?? Infinity) <= work.at;
  return [...reservations.rows.keys()]
    .filter((orderId) => overdue(orderId) && work.take(reservations, orderId) === undefined && overdue(orderId))
    .map((orderId): Task => ({ command: { type: 'ReleaseStock', orderId }, messageId: null }));
}

export function catalog(
  world: World,
  tables: CatalogTables,
  { effects, reservationSeconds }: { effects: Effects; reservationSeconds: number },
): (life: Life) => object {
  return (life) => {
    const session = world.databases.catalog.session(life);
    const onError = (error: unknown): void => world.say?.(`${life.name}: ${String(error)}`);
    const outbox: Outbox<OwnTransaction> = createOutbox({
      store: tables.outbox.store(session),
      publish: (message) => world.bus.publish(life, message),
      sweepEveryMs: pollEveryMs,
      clock: life.clock,
      onError,
    });
    const tell = (transaction: OwnTransaction, tasks: readonly Task[], events: readonly StockEvent[]): Promise<void> =>
      outbox.append(
        transaction,
        events.map((event, index) =>
          world.envelope({
            ...event,
            correlationId: event.body.orderId,
            causationId: tasks[index]!.messageId,
          }),
        ),
      );

    const apply = (tasks: readonly (Task & { messageId: string })[]): Promise<void> =>
      session.transaction(async (transaction) => {
        const ids = tasks.map((task) => task.messageId);
        const fresh = await transaction.run(tables.outbox.remember(consumer, ids));
        const ours = tasks.filter((task) => fresh.delete(task.messageId));
        if (ours.length === 0) return;
        await tell(transaction, ours, await transaction.run((work) => carryOut(work, tables, effects, ours)));
      });
    const push = createBatcher<Task & { messageId: string }, void>({
      key: (task) => task.command.orderId,
      one: (task) => apply([task]),
      many: async (tasks) => {
        await apply(tasks);
        return tasks.map(() => undefined);
      },
      lanes: 2,
      clock: life.clock,
    });

    const expire = (): Promise<void> =>
      session.transaction(async (transaction) => {
        const tasks = await transaction.run((work) => takeExpired(work, tables));
        if (tasks.length === 0) return;
        const events = await transaction.run((work) => carryOut(work, tables, effects, tasks));
        await tell(transaction, tasks, events);
      });
    const look = (): void =>
      void life.clock.setTimeout(() => {
        void (tables.due() <= world.timeline.now ? expire().catch(onError) : Promise.resolve()).then(look);
      }, pollEveryMs);

    outbox.start();
    look();
    world.bus.consume(life, consumer, world.chance.pick([1, 4, 256]), (message) =>
      push({ command: toCommand(message, world.timeline.now + reservationSeconds * 1_000), messageId: message.id }),
    );
    return {};
  };
}

function toCommand(message: Message, expiresAt: number): StockCommand {
  const { orderId } = message.body;
  switch (message.type) {
    case 'ReserveStock':
      return { type: 'ReserveStock', orderId, lines: message.body.lines, expiresAt: new Date(expiresAt).toISOString() };
    case 'ReleaseStock':
    case 'CommitStock':
      return { type: message.type, orderId };
    default:
      throw new Terminal(`${message.type} is no command for catalog`);
  }
}
