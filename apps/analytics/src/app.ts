/** All of analytics' wiring, from its settings to a server that is ready to listen. */
import { fileURLToPath } from 'node:url';
import type { DeviceEventType } from '@ballast/contracts';
import type { ConsumerHandle, Message } from '@ballast/messaging';
import { addOutboxRoutes, connectParts, outboxMigrations } from '@ballast/outbox';
import { credentialLabRoutes } from '@ballast/postgres/lab';
import { addLabRoutes, createHttpServer, type App, type BuildContext } from '@ballast/service';
import type { Config } from './config.ts';
import { countsQueue, createCountedHandler } from './consumers/counted.ts';
import { createEventsHandler, eventsQueue } from './consumers/events.ts';
import { createTelemetryHandler, telemetryQueue } from './consumers/telemetry.ts';
import { createCounting } from './counting.ts';
import { LiveGateways } from './live.ts';
import { createMeasures } from './measures.ts';
import { auditRoute } from './routes/audit.ts';
import { latestRoute } from './routes/latest.ts';
import { createSweeps } from './sweeps.ts';

const migrations = { name: 'analytics', directory: fileURLToPath(new URL('../migrations', import.meta.url)) };

/** Messages in hand of the queues whose messages are large. */
const largePrefetch = 16;

/**
 * Migrates, connects and wires; the counters are there before the server listens, and nothing is consumed before `start`.
 * `now`: milliseconds by a clock that is never set, for what is heard of a gateway and how long ago.
 */
export async function buildApp(
  { config, logger, metrics }: BuildContext<Config>,
  now: () => number = () => performance.now(),
): Promise<App> {
  const parts = await connectParts({
    config,
    logger,
    metrics,
    schema: 'analytics',
    limits: { connectTimeoutMs: 900, statementTimeoutMs: 2_000, queryTimeoutMs: 2_500 },
    // Nothing is told by analytics: of the outbox it has what is common, the routes about dead letters and consumers.
    migrations: [outboxMigrations, migrations],
  });
  const { database, messaging, report } = parts;
  const live = new LiveGateways(now);
  const measures = createMeasures(metrics, live);
  const counting = createCounting({
    database,
    live,
    onGrown: measures.grown,
    onRefused: (refusal, { gateway, epoch, at }) => {
      measures.refused(refusal);
      report('a late report was not counted', undefined, { refusal, gateway, epoch, at });
    },
  });
  try {
    await counting.load();
  } catch (error) {
    await parts.close();
    throw error;
  }
  const sweeps = createSweeps({ database, counting, retentionDays: config.RETENTION_DAYS, onError: report });

  const server = await createHttpServer({
    name: 'analytics',
    instance: config.INSTANCE,
    logger,
    metrics,
    checks: parts.checks,
    issuer: config.IDENTITY_URL,
    identityAddress: config.IDENTITY_ADDRESS,
  });
  await addOutboxRoutes(server, parts);
  auditRoute(server, database);
  latestRoute(server, database);
  await addLabRoutes(server, (lab) => credentialLabRoutes(lab, database));

  /** Each type has a queue of its own: a flood of one does not delay the others. */
  const queues: {
    queue: string;
    type: DeviceEventType;
    prefetch?: number;
    handle: (message: Message) => Promise<void>;
  }[] = [
    { queue: countsQueue, type: 'GatewayCounted', handle: createCountedHandler(counting) },
    {
      queue: eventsQueue,
      type: 'DeviceEvents',
      prefetch: largePrefetch,
      handle: createEventsHandler(database, measures.stored),
    },
    {
      queue: telemetryQueue,
      type: 'DeviceTelemetry',
      prefetch: largePrefetch,
      handle: createTelemetryHandler(database, measures.frames),
    },
  ];
  const consumers: ConsumerHandle[] = [];
  return {
    server,
    start: async () => {
      for (const { type, handle, ...options } of queues) {
        const consumer = await messaging.consume({
          ...options,
          types: [type],
          handle: async (message) => {
            await handle(message);
            measures.heard(type, message.occurredAt);
          },
        });
        consumers.push(consumer);
      }
      sweeps.start();
    },
    quiesce: async () => {
      parts.quiesce();
      await Promise.all(consumers.map((consumer) => consumer.stop()));
      await sweeps.stop();
    },
    stop: () => parts.close(),
  };
}
