/**
 * Payments: commands, answers of the provider and webhooks, with the real inbox and outbox and the real rules of money.
 * As in the service, what is wanted is written down first, and a driver with a lease brings the provider to it.
 */
import { Terminal, type Message } from '@ballast/messaging';
import { createOutbox, type Outbox } from '@ballast/outbox';
import { Table, type OwnTransaction, type Work } from './database.ts';
import {
  applyCommand,
  applyFact,
  idempotencyKey,
  nextStep,
  type Change,
  type Fact,
  type Payment,
  type PaymentCommand,
} from './domains.ts';
import type { Effects } from './effects.ts';
import { OutboxTables } from './outbox-table.ts';
import type { Method, Provider, Webhook } from './provider.ts';
import { pollEveryMs, type Life } from './timeline.ts';
import { NoAnswer, type World } from './world.ts';

const consumer = 'payments.commands';
/** How long a driver has a payment to itself, in ms. */
const leaseMs = 8_000;
const callTimeoutMs = 3_000;

interface Row {
  payment: Payment;
  unsettled: boolean;
  leasedUntil: number;
  dueAt: number;
  attempts: number;
}

export class PaymentTables {
  readonly outbox = new OutboxTables();
  readonly payments = new Table<Row>();
  /** What was booked, per order. */
  readonly ledger = new Map<string, { kind: string; amount: number }[]>();

  /** When the next look for payments to move on would find one. */
  due(): number {
    let due = Infinity;
    for (const { unsettled, leasedUntil, dueAt } of this.payments.rows.values())
      if (unsettled) due = Math.min(due, Math.max(leasedUntil, dueAt));
    return due;
  }
}

export interface PaymentsDoor {
  webhook(webhook: Webhook): Promise<void>;
}

const unasked = (orderId: string): Row => ({
  payment: {
    orderId,
    provider: null,
    method: null,
    amount: 0,
    currency: 'EUR',
    wanted: 'nothing',
    state: 'none',
    reference: null,
    captureReference: null,
    capturedAmount: null,
    refusal: null,
    claimId: null,
    retry: 0,
  },
  unsettled: false,
  leasedUntil: -Infinity,
  dueAt: 0,
  attempts: 0,
});

interface Applied {
  change: Change;
  /** The caller has the payment to itself from now on, and is to drive it. */
  leased: boolean;
}

/** Locks the payment, decides, writes, and books. `holdsLease`: the caller is the driver. */
function* change(
  work: Work,
  { payments, ledger }: PaymentTables,
  orderId: string,
  decide: (payment: Payment) => Change,
  holdsLease: boolean,
): Generator<Work, Applied, void> {
  for (let holder = work.take(payments, orderId); holder !== undefined; holder = work.take(payments, orderId))
    yield holder;
  const row = work.get(payments, orderId) ?? unasked(orderId);
  const decided = decide(row.payment);
  const unsettled = nextStep(decided.payment) !== null;
  const free = holdsLease || row.leasedUntil <= work.at;
  const leasedUntil = !free ? row.leasedUntil : unsettled ? work.at + leaseMs : -Infinity;
  work.put(payments, orderId, {
    payment: decided.payment,
    unsettled,
    leasedUntil,
    dueAt: work.at,
    attempts: free ? 0 : row.attempts,
  });
  if (decided.ledger.length > 0)
    work.onCommit(() => void ledger.set(orderId, [...(ledger.get(orderId) ?? []), ...decided.ledger]));
  return { change: decided, leased: free && unsettled };
}

export function payments(
  world: World,
  tables: PaymentTables,
  { effects, provider }: { effects: Effects; provider: Provider },
): (life: Life) => PaymentsDoor {
  return (life) => {
    const session = world.databases.payments.session(life);
    const onError = (error: unknown): void => world.say?.(`${life.name}: ${String(error)}`);
    const outbox: Outbox<OwnTransaction> = createOutbox({
      store: tables.outbox.store(session),
      publish: (message) => world.bus.publish(life, message),
      sweepEveryMs: pollEveryMs,
      clock: life.clock,
      onError,
    });
    const tell = (transaction: OwnTransaction, { events }: Change, causationId: string | null): Promise<void> =>
      outbox.append(
        transaction,
        events.map((event) => world.envelope({ ...event, correlationId: event.body.orderId, causationId })),
      );
    /** `messageId` and `consumer` are what the inbox remembers; null for an answer, which comes once. */
    const apply = (
      orderId: string,
      decide: (payment: Payment) => Change,
      source: { consumer: string; messageId: string } | null,
    ): Promise<Applied | null> =>
      session.transaction(async (transaction) => {
        if (source !== null) {
          const fresh = await transaction.run(tables.outbox.remember(source.consumer, [source.messageId]));
          if (!fresh.has(source.messageId)) return null;
        }
        const applied = await transaction.run((work) => {
          if (source !== null) effects.note(work, source.consumer, source.messageId);
          return change(work, tables, orderId, decide, source === null);
        });
        await tell(transaction, applied.change, source?.consumer === consumer ? source.messageId : null);
        return applied;
      });

    /** Asks the provider; an answer may be lost on its way. */
    const ask = (payment: Payment): Promise<Fact> =>
      new Promise((resolve, reject) => {
        const { weather, timeline } = world;
        const step = nextStep(payment)!;
        const fate = weather.fate(weather.climate.calls);
        const fail = (): void =>
          void life.clock.setTimeout(() => reject(new NoAnswer('the provider does not answer')), callTimeoutMs);
        if (fate === 'lost') return fail();
        const way = fate === 'late' ? world.chance.between(0, 2 * callTimeoutMs) : weather.delay();
        timeline.after(way, null, () => {
          const fact = provider.ask({
            orderId: payment.orderId,
            step,
            key: idempotencyKey(payment, step),
            method: payment.method as Method,
            amount: payment.amount,
            retry: payment.retry,
          });
          if (fate === 'fine') timeline.after(weather.delay(), life, () => resolve(fact));
        });
        if (fate !== 'fine') fail();
      });

    const drive = async (leased: Payment): Promise<void> => {
      let payment = leased;
      try {
        while (nextStep(payment) !== null) {
          const fact = await ask(payment);
          const applied = await apply(payment.orderId, (known) => applyFact(known, fact), null);
          if (applied === null || !applied.leased) return;
          payment = applied.change.payment;
        }
      } catch (error) {
        onError(error);
        await session.run((work) => postpone(work, tables, payment.orderId)).catch(onError);
      }
    };

    const sweep = async (): Promise<void> => {
      const taken = await session.run((work) => takeAbandoned(work, tables));
      for (const payment of taken) void drive(payment);
    };
    const look = (): void =>
      void life.clock.setTimeout(() => {
        void (tables.due() <= world.timeline.now ? sweep().catch(onError) : Promise.resolve()).then(look);
      }, pollEveryMs);

    outbox.start();
    look();
    world.bus.consume(life, consumer, world.chance.pick([1, 4, 256]), async (message) => {
      if (!isCommand(message)) throw new Terminal(`${message.type} is not for payments`);
      const applied = await apply(message.body.orderId, (known) => applyCommand(known, message), {
        consumer,
        messageId: message.id,
      });
      if (applied?.leased === true) void drive(applied.change.payment);
    });
    return {
      webhook: async ({ id, orderId, fact }) => {
        const applied = await apply(orderId, (known) => applyFact(known, fact), {
          consumer: 'webhooks',
          messageId: id,
        });
        if (applied?.leased === true) void drive(applied.change.payment);
      },
    };
  };
}

// oxlint-disable-next-line require-yield -- SKIP LOCKED
function* takeAbandoned(work: Work, { payments }: PaymentTables): Generator<Work, Payment[], void> {
  const free = (orderId: string): boolean => {
    const row = work.get(payments, orderId);
    return row !== undefined && row.unsettled && row.dueAt <= work.at && row.leasedUntil < work.at;
  };
  return [...payments.rows.keys()]
    .filter((orderId) => free(orderId) && work.take(payments, orderId) === undefined && free(orderId))
    .map((orderId) => {
      const row = work.get(payments, orderId)!;
      work.put(payments, orderId, { ...row, leasedUntil: work.at + leaseMs, attempts: row.attempts + 1 });
      return row.payment;
    });
}

function* postpone(work: Work, { payments }: PaymentTables, orderId: string): Generator<Work, void, void> {
  for (let holder = work.take(payments, orderId); holder !== undefined; holder = work.take(payments, orderId))
    yield holder;
  const row = work.get(payments, orderId);
  if (row === undefined) return;
  const pause = Math.min(4_000, 200 * 2 ** row.attempts);
  work.put(payments, orderId, { ...row, leasedUntil: -Infinity, dueAt: work.at + pause });
}

const isCommand = (message: Message): message is Message & PaymentCommand =>
  ['AuthorizePayment', 'CapturePayment', 'CancelPayment'].includes(message.type);
