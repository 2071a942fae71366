/** All of the gateway's wiring, from its settings to a server that is ready to listen. */
import { createHttpServer, createReporter, type App, type BuildContext, type RevocationView } from '@ballast/service';
import { jwksFetcher } from './clients/jwks.ts';
import { createKeyStore } from './clients/keys.ts';
import type { Config } from './config.ts';
import { createGateway, type Gateway } from './devices/gateway.ts';
import { createJudge } from './devices/judge.ts';
import { readTls } from './devices/tls.ts';
import { Counts } from './domain/counts.ts';
import { createMeasures, showState } from './measures.ts';
import { createBroker } from './telling/broker.ts';
import { createTeller, newEpoch } from './telling/teller.ts';

/** The app, and where its devices connect. */
export interface GatewayApp extends App {
  gateway: Gateway;
  counts: Counts;
}

/** Wires; devices are let in from `start` on. */
export async function buildApp({ config, logger, metrics }: BuildContext<Config>): Promise<GatewayApp> {
  // First of all: nothing is open yet when it finds something wrong.
  const tls = readTls(config);
  const report = createReporter(logger);
  const epoch = newEpoch();
  const measures = createMeasures(metrics);
  const counts = new Counts(measures);
  const keys = createKeyStore({
    fetch: jwksFetcher(config.IDENTITY_ADDRESS ?? config.IDENTITY_URL),
    onError: (error) => report('identity cannot be asked for its keys', error),
  });
  const server = await createHttpServer({
    name: 'tcp-gateway',
    instance: config.INSTANCE,
    logger,
    metrics,
    // Not the broker: devices are let in without it.
    checks: [
      { name: 'identity', check: async () => heard(keys.ready(), revocations) },
      { name: 'listener', check: async () => listens(gateway) },
    ],
    issuer: config.IDENTITY_URL,
    identityAddress: config.IDENTITY_ADDRESS,
  });
  const { revocations } = server;
  if (revocations === null) throw new Error('the server follows no list of revoked tokens');

  const broker = createBroker({
    url: config.AMQP_URL,
    name: config.INSTANCE,
    namespace: config.MESSAGING_NAMESPACE,
    epoch,
    onSessions: (items) => gateway.begunElsewhere(items),
    onListening: () => gateway.tellAll(),
    onError: report,
  });
  const teller = createTeller({
    gateway: config.INSTANCE,
    epoch,
    counts,
    broker,
    limits: {
      telemetryItems: config.TELEMETRY_QUEUE_ITEMS,
      telemetryBytes: config.TELEMETRY_QUEUE_BYTES,
      eventItems: config.EVENT_QUEUE_ITEMS,
      sessionItems: 2 * config.MAX_CONNECTIONS,
    },
    onSessionsMissed: () => gateway.tellAll(),
    onError: report,
  });
  const gateway = createGateway({
    judge: createJudge({
      issuer: config.IDENTITY_URL,
      keys,
      revocations,
      onError: (error) => report('a token could not be judged', error),
    }),
    revocations,
    counts,
    limits: {
      authDeadlineMs: config.AUTH_DEADLINE_MS,
      heartbeatSeconds: config.HEARTBEAT_SECONDS,
      writeBufferBytes: config.WRITE_BUFFER_BYTES,
      stallMs: config.STALL_LIMIT_MS,
    },
    admission: {
      connections: config.MAX_CONNECTIONS,
      perAddress: config.MAX_CONNECTIONS_PER_ADDRESS,
      unauthenticated: config.MAX_UNAUTHENTICATED,
    },
    attempts: { burst: config.DEVICE_ATTEMPTS_BURST, perMinute: config.DEVICE_ATTEMPTS_PER_MINUTE },
    tls,
    tell: {
      event: teller.event,
      telemetry: teller.telemetry,
      session: teller.session,
      handshake: measures.handshake,
    },
    report,
  });
  showState(metrics, counts, { unauthenticated: () => gateway.unauthenticated, waiting: teller.waiting });

  return {
    server,
    gateway,
    counts,
    start: async () => {
      await keys.start();
      await gateway.listen({ host: config.HOST, port: config.TCP_PORT, shared: config.TCP_REUSE_PORT === '1' });
      teller.start();
    },
    quiesce: async () => {
      keys.stop();
      await gateway.drain();
      await teller.finish();
    },
    stop: () => broker.close(),
  };
}

function heard(keysReady: boolean, revocations: RevocationView | null): void {
  if (!keysReady) throw new Error('its keys have never been had');
  if (revocations?.age() === Number.POSITIVE_INFINITY) throw new Error('what was revoked has never been heard');
}

function listens(gateway: Gateway): void {
  if (!gateway.listening) throw new Error('devices cannot connect');
}
