/** The life of a service process: configure, build, listen, drain, exit. `main.ts` calls this and nothing else. */
import type { Static } from 'typebox';
import { tickPoint } from '@ballast/contracts';
import { configureFaults, declareFailPoints, failPoint, faultsEnabled } from '@ballast/faults';
import { CommonConfig, ConfigError } from './config.ts';
import type { HttpServer } from './http.ts';
import { createLogger, type Logger } from './logger.ts';
import { createMetrics, type Metrics } from './metrics.ts';

/** What `buildApp` is given. */
export interface BuildContext<Config> {
  config: Config;
  logger: Logger;
  metrics: Metrics;
}

/** What `buildApp` gives back. */
export interface App {
  server: HttpServer;
  /** Begins background work (consumers, relays, timers) once the server listens. */
  start?: () => Promise<void>;
  /** Called first on SIGTERM, while requests still finish: stop taking in messages. */
  quiesce?: () => Promise<void>;
  /** Called last: flush and close what the service holds. */
  stop?: () => Promise<void>;
}

declareFailPoints({ [tickPoint]: 'ten times a second, whatever the process does: crash and freeze at once' });
const tickEveryMs = 100;

/** After SIGTERM, how long new connections are still taken, in ms. */
const lingerMs = 400;
/** The whole shutdown takes at most this long, in ms; supervisors kill at ten seconds. */
const shutdownLimitMs = 9_000;

/**
 * Runs a service until SIGTERM or SIGINT. Exit code 0 after an orderly end, 1 when it could not start, when
 * something threw where nobody was listening, or when it could not finish in time. A second signal ends it at once.
 */
export async function runService<Config extends Static<typeof CommonConfig>>(service: {
  name: string;
  readConfig: () => Config;
  build: (context: BuildContext<Config>) => Promise<App>;
}): Promise<void> {
  let config: Config;
  try {
    config = service.readConfig();
    configureFaults({ labMode: config.LAB_MODE === '1', faults: config.FAULTS, defects: config.DEFECTS });
  } catch (error) {
    if (!(error instanceof ConfigError || error instanceof TypeError)) throw error;
    process.stderr.write(`${service.name}: ${error.message}\n`);
    process.exitCode = 1;
    return;
  }
  if (faultsEnabled()) setInterval(() => void failPoint(tickPoint), tickEveryMs).unref();
  const logger = createLogger({ service: service.name, instance: config.INSTANCE, level: config.LOG_LEVEL });
  const fail = (error: unknown, message: string): never => {
    logger.fatal(error === undefined ? {} : { err: error }, message);
    process.exit(1);
  };
  process.on('uncaughtException', (error) => fail(error, 'uncaught exception'));
  process.on('unhandledRejection', (error) => fail(error, 'unhandled rejection'));

  /** Set once there is something to stop. */
  let begun: Promise<App> | undefined;
  let stopping = false;
  const shutdown = (signal: NodeJS.Signals): void => {
    if (stopping) {
      logger.warn({ signal }, 'second signal: ending now');
      process.exit(1);
    }
    stopping = true;
    if (begun === undefined) {
      logger.info({ signal }, 'stopped before it had started');
      process.exit(0);
    }
    setTimeout(() => fail(new Error('shutdown took too long'), 'shutdown'), shutdownLimitMs).unref();
    begun
      .then((app) => drain(app, signal, logger))
      .then(
        () => process.exit(0),
        (error: unknown) => fail(error, 'shutdown'),
      );
  };
  // Before it listens: whoever sees it answer may tell it to stop.
  process.on('SIGTERM', shutdown);
  process.on('SIGINT', shutdown);

  const metrics = createMetrics({ service: service.name, instance: config.INSTANCE });
  try {
    const app = await service.build({ config, logger, metrics });
    begun = begin(app, config);
    await begun;
  } catch (error) {
    // A setting that turned out wrong needs no stack: the sentence says it.
    if (error instanceof ConfigError) return fail(undefined, `cannot start: ${error.message}`);
    return fail(error, `cannot start: ${error instanceof Error ? error.message : String(error)}`);
  }
  logger.info({ port: config.PORT }, 'ready');
}

async function begin(app: App, config: Static<typeof CommonConfig>): Promise<App> {
  await app.server.listen({ host: config.HOST, port: config.PORT });
  await app.start?.();
  return app;
}

async function drain(app: App, signal: string, logger: Logger): Promise<void> {
  logger.info({ signal }, 'draining');
  app.server.startDraining();
  // Its failure is looked at in the end: now it would count as a rejection nobody handles, and end the process under
  // the requests that are still being answered.
  const quiesced = Promise.allSettled([app.quiesce?.()]);
  // Whoever balances load sees that this one is not ready before it stops taking connections.
  await new Promise((resolve) => setTimeout(resolve, lingerMs));
  await app.server.closeConnections();
  await app.server.close();
  const [outcome] = await quiesced;
  await app.stop?.();
  if (outcome.status === 'rejected') throw outcome.reason;
  logger.info('stopped');
}
