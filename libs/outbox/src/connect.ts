/** What every service that speaks through an outbox needs, connected by one call: database, broker, outbox. */
import { declareFailPoints } from '@ballast/faults';
import { createMessaging, type Messaging } from '@ballast/messaging';
import {
  openDatabase,
  type LeasedDatabase,
  type MigrationSet,
  type OpenDatabaseOptions,
  type PostgresConfig,
} from '@ballast/postgres';
import { createReporter, type Logger, type Metrics, type ReadinessCheck, type Report } from '@ballast/service';
import { createOutbox, type Outbox } from './outbox.ts';
import { withDefects } from './planted.ts';

declareFailPoints({
  'before-commit': 'a transaction has done its work and is not committed; detail at checkout: the saga’s event',
  'after-commit': 'a transaction is committed and nobody has heard of it yet; detail at checkout: the saga’s event',
  'after-publish': 'the broker has a message and its row still waits in the outbox; detail: its type',
});

export interface ConnectOptions {
  config: PostgresConfig & { AMQP_URL: string; MESSAGING_NAMESPACE: string; INSTANCE: string };
  logger: Logger;
  metrics: Metrics;
  schema: string;
  /** Applied before anything else is connected; the outbox's own tables must be among them. */
  migrations: readonly MigrationSet[];
  /** How long callers wait for the database, where the usual is too long. */
  limits?: Pick<OpenDatabaseOptions, 'connectTimeoutMs' | 'statementTimeoutMs' | 'queryTimeoutMs'>;
}

export interface Parts {
  database: LeasedDatabase;
  messaging: Messaging;
  outbox: Outbox;
  /** For trouble that repeats itself; silent once the service is ending. */
  report: Report;
  /** For `/readyz`. */
  checks: readonly ReadinessCheck[];
  /** Call first when the service ends: what is lost from here on is lost on purpose. */
  quiesce(): void;
  /** Tells what can be told, then closes everything. */
  close(): Promise<void>;
}

/** Migrates, connects, and registers the outbox's metrics. */
export async function connectParts(options: ConnectOptions): Promise<Parts> {
  const { config, logger, metrics, schema, migrations, limits } = options;
  let ending = false;
  const log = createReporter(logger);
  const report: Report = (what, error, details) => {
    if (!ending) log(what, error, details);
  };
  const database = await openDatabase(config, {
    ...limits,
    applicationName: config.INSTANCE,
    migrations: { schema, sets: migrations },
    logger,
    metrics,
    onIdleError: (error) => report('a database connection was lost', error),
  });
  const messaging = await createMessaging({
    url: config.AMQP_URL,
    name: config.INSTANCE,
    namespace: config.MESSAGING_NAMESPACE,
    onEvent: (event) => {
      switch (event.kind) {
        case 'connected':
          logger.info('connected to the broker');
          break;
        case 'disconnected':
          report('the connection to the broker was lost', event.error);
          break;
        case 'blocked':
          report('the broker takes no messages', undefined, { reason: event.reason });
          break;
        case 'message-set-aside':
          report(`a message was ${event.outcome}`, event.error, { queue: event.queue, attempt: event.attempt });
          break;
        case 'message-refused':
          report('news that nobody can read', event.error, { queue: event.queue });
          break;
        case 'consumer-tripped':
          report('a consumer keeps failing and rests', undefined, { queue: event.queue, restMs: event.restMs });
          break;
        case 'consumer-restarted':
          logger.info({ queue: event.queue }, 'a consumer begins again after its rest');
      }
    },
  }).catch(async (error: unknown) => {
    // A login on loan is given back, also where nothing came of it.
    await database.close();
    throw error;
  });
  const outbox = createOutbox({
    database,
    publish: withDefects((message) => messaging.publish(message), report),
    onError: (error) => report('a message could not be told yet', error),
  });
  measure(metrics, outbox, report);
  measureQueues(metrics, messaging);
  return {
    database,
    messaging,
    outbox,
    report,
    checks: [
      { name: 'postgres', check: () => database.ping() },
      { name: 'rabbitmq', check: () => messaging.ping() },
    ],
    quiesce: () => {
      ending = true;
    },
    close: async () => {
      await outbox.stop();
      await messaging.close();
      await database.close();
    },
  };
}

/** How long a scrape waits for the database or the broker, in ms; all other metrics come with it. */
const patienceMs = 400;
/** After how long without an answer it is told, in ms: a database that is held up for a moment is no trouble. */
const tellAfterMs = 1_000;

async function soon<Result>(who: string, asked: Promise<Result>): Promise<Result> {
  const patience = Promise.withResolvers<never>();
  const timer = setTimeout(() => patience.reject(new Error(`${who} does not answer`)), patienceMs);
  try {
    return await Promise.race([asked, patience.promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** Rows waiting and the age of the oldest. Not known is not zero: without the database both are NaN. */
function measure(metrics: Metrics, outbox: Outbox, report: Report): void {
  // The registry asks both gauges at once: one question to the database answers them.
  let asked: ReturnType<Outbox['backlog']> | undefined;
  let failingSince: number | undefined;
  const backlog = async (): ReturnType<Outbox['backlog']> => {
    try {
      asked ??= soon('the database', outbox.backlog());
      const known = await asked;
      failingSince = undefined;
      return known;
    } catch (error) {
      failingSince ??= performance.now();
      if (performance.now() - failingSince >= tellAfterMs) report('the outbox cannot be measured', error);
      return { rows: Number.NaN, oldest: Number.NaN };
    } finally {
      asked = undefined;
    }
  };
  metrics.gauge('outbox_rows', 'Messages stored and not yet told to the broker.', [], async (gauge) => {
    gauge.set((await backlog()).rows);
  });
  metrics.gauge('outbox_oldest_seconds', 'Age of the oldest message not yet told, in seconds.', [], async (gauge) => {
    gauge.set((await backlog()).oldest);
  });
}

/** What waits in the broker. Without it nothing is known, which is told about its connection and not here again. */
function measureQueues(metrics: Metrics, messaging: Pick<Messaging, 'consumers' | 'depths'>): void {
  const help = 'Messages that wait in the broker; those that a consumer has in hand are not counted.';
  metrics.gauge('queue_messages', help, ['queue'], async (gauge) => {
    const depths = await soon('the broker', messaging.depths()).catch(() => new Map<string, number>());
    for (const { queue } of messaging.consumers()) gauge.set({ queue }, depths.get(queue) ?? Number.NaN);
  });
}
