/**
 * Ballast's side: the saga engine with its inbox and outbox over RabbitMQ and PostgreSQL, and a participant that
 * carries out each command with an inbox row, an (empty) effect and an outbox row in one statement. Driven over IPC.
 * Its database and its corner of the broker are made and removed by the parent.
 */
import { randomUUIDv7 } from 'node:crypto';
import { createMessage, createMessaging, type Message, type OutgoingMessage } from '@ballast/messaging';
import {
  createOutbox,
  outboxInsert,
  outboxMigrations,
  outboxParameters,
  type Outbox,
  type StoredRow,
} from '@ballast/outbox';
import { createBatcher, createDatabase, migrate, type Database, type MigrationSet } from '@ballast/postgres';
import { createSagaEngine, sagaMigrations } from '@ballast/saga';
import { serve } from '../process.ts';
import { emptySteps, type Plan } from './definition.ts';

const url = process.env['BENCH_POSTGRES_URL']!;
const name = process.env['BENCH_NAMESPACE']!;
const admin = createDatabase({ url, applicationName: 'bench', maxConnections: 1 });
const report = (error: unknown): void => console.error(error);
const messaging = await createMessaging({ url: process.env['BENCH_AMQP_URL']!, name, namespace: name });

/** A service has a schema, a pool and an outbox of its own. */
async function service(schema: string, sets: readonly MigrationSet[]): Promise<{ pool: Database; outbox: Outbox }> {
  await admin.query(`CREATE SCHEMA ${schema}`);
  const inSchema = new URL(url);
  inSchema.searchParams.set('options', `-c search_path=${schema}`);
  await migrate({ url: inSchema.href, schema, sets });
  const pool = createDatabase({ url: inSchema.href, applicationName: schema, maxConnections: 10 });
  const outbox = createOutbox({
    database: pool,
    publish: (message) => messaging.publish(message),
    onError: report,
  });
  outbox.start();
  return { pool, outbox };
}
const orchestrator = await service('bench_saga', [outboxMigrations, sagaMigrations]);
const participant = await service('bench_steps', [outboxMigrations]);

const finished = new Map<string, () => void>();
const engine = createSagaEngine<Plan>({
  definition: emptySteps,
  database: orchestrator.pool,
  outbox: orchestrator.outbox,
  onError: report,
});
const start = engine.starter({
  name: 'bench-start',
  accept: 'accepted AS (SELECT id FROM unnest($9::uuid[]) AS given(id))',
  parameters: (requests) => [requests.map(({ id }) => id)],
});

const failing = new Set<string>();
const answers: Record<string, (id: string) => OutgoingMessage> = {
  ReserveStock: (orderId) => event('StockReserved', orderId, { expiresAt: '2036-01-01T00:00:00.000Z' }),
  AuthorizePayment: (orderId) => event('PaymentAuthorized', orderId, { amount: 1, currency: 'EUR' }),
  CapturePayment: (orderId) => event('PaymentCaptured', orderId, { amount: 1, currency: 'EUR' }),
  CommitStock: (orderId) =>
    failing.has(orderId)
      ? event('StockCommitRejected', orderId, { code: 'gone' })
      : event('StockCommitted', orderId, {}),
  ReleaseStock: (orderId) => event('StockReleased', orderId, {}),
  CancelPayment: (orderId) => event('PaymentCancelled', orderId, { refunded: 1, currency: 'EUR' }),
};
const event = (type: string, orderId: string, more: object): OutgoingMessage =>
  ({ type, correlationId: orderId, causationId: null, body: { orderId, ...more } }) as OutgoingMessage;

/** The participant's whole effect: remembered, and the answer stored, only where it is new. */
const carryOut = {
  name: 'bench-carry-out',
  text: `
  WITH fresh AS (
    INSERT INTO inbox (message_id, consumer) SELECT given.id, 'participant' FROM unnest($1::uuid[]) AS given(id)
    ORDER BY given.id ON CONFLICT DO NOTHING RETURNING message_id
  ), sent AS (${outboxInsert(`(
      SELECT a.message_id, a.aggregate_id, a.message, a.ordinal
        FROM unnest($2::uuid[], $3::uuid[], $4::jsonb[], $1::uuid[]) WITH ORDINALITY AS a(message_id, aggregate_id, message, cause, ordinal)
        JOIN fresh ON fresh.message_id = a.cause
    )`)}
  )
  SELECT coalesce(json_agg(sent), '[]') AS sent FROM sent`,
};
const carryOutAll = async (commands: readonly Message[]): Promise<void[]> => {
  const replies = commands.map((command) => createMessage(answers[command.type]!(command.correlationId)));
  const [stored] = await participant.pool.query<{ sent: StoredRow[] }>(carryOut, [
    commands.map(({ id }) => id),
    ...outboxParameters(replies),
  ]);
  participant.outbox.handOver(replies, stored!.sent);
  return commands.map(() => undefined);
};
const participate = createBatcher<Message, void>({
  key: (command) => command.id,
  one: async (command) => void (await carryOutAll([command])),
  many: carryOutAll,
});

engine.start();
await messaging.consume({ queue: 'participant', types: Object.keys(answers), handle: participate });
await messaging.consume({
  queue: 'saga',
  types: emptySteps.events,
  handle: async (message) => {
    await engine.handle(message);
    // The end is what the caller waits for: told once the transition is committed.
    const last =
      message.type === 'StockCommitted' || message.type === 'StockReleased' || message.type === 'PaymentCancelled';
    if (last) settled(message);
  },
});

/** A compensated saga has ended when both of its steps are undone. */
const undone = new Set<string>();
function settled({ type, correlationId }: Message): void {
  if (type !== 'StockCommitted' && !undone.delete(correlationId)) {
    undone.add(correlationId);
    return;
  }
  finished.get(correlationId)?.();
}

let count = 0;
serve({
  one: async () => {
    const id = randomUUIDv7();
    count += 1;
    const fails = count % 5 === 0;
    if (fails) failing.add(id);
    const { promise, resolve } = Promise.withResolvers<void>();
    finished.set(id, resolve);
    await start({ id, context: { fails } });
    await promise;
    finished.delete(id);
    failing.delete(id);
  },
  check: async (expected) => {
    const [row] = await orchestrator.pool.query<{ completed: number; compensated: number }>(
      `SELECT count(*) FILTER (WHERE state = 'Completed')::int AS completed, count(*) FILTER (WHERE state = 'Compensated')::int AS compensated FROM sagas`,
    );
    if (row!.completed + row!.compensated < expected) throw new Error(`${JSON.stringify(row)} of ${expected}`);
  },
  stop: async () => {
    await engine.stop();
    for (const { outbox } of [orchestrator, participant]) await outbox.stop();
    await messaging.close();
    for (const { pool } of [orchestrator, participant]) await pool.close();
    await admin.close();
  },
});
