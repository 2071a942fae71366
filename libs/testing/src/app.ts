/** A service in the test's own process, on a free port, with what it logs kept for the test to read. */
import type { AddressInfo } from 'node:net';
import { isRetryable } from '@ballast/postgres';
import { createMetrics, type App, type BuildContext, type HttpServer, type Logger } from '@ballast/service';

/** One log line. */
export interface LogEntry {
  level: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal';
  message: string;
  /** Message of the error that was logged with it. */
  error: string | undefined;
  fields: Record<string, unknown>;
}

/** A logger that writes nothing and keeps everything. */
export function recordingLogger(): { logger: Logger; entries: LogEntry[]; complaints: LogEntry[] } {
  const entries: LogEntry[] = [];
  const complaints: LogEntry[] = [];
  const note =
    (level: LogEntry['level'], ...more: LogEntry[][]) =>
    (first: object | string, text = ''): void => {
      const fields = typeof first === 'string' ? {} : (first as Record<string, unknown>);
      const { err } = fields;
      const error = err instanceof Error ? err.message : undefined;
      const entry = { level, message: typeof first === 'string' ? first : text, error, fields };
      for (const list of [entries, ...more]) list.push(entry);
    };
  const logger = {
    level: 'trace',
    fatal: note('fatal', complaints),
    error: note('error', complaints),
    warn: note('warn', complaints),
    info: note('info'),
    debug: note('debug'),
    trace: note('trace'),
    silent: (): void => undefined,
    child: () => logger,
  };
  return { logger: logger as unknown as Logger, entries, complaints };
}

/** A service that runs in this process. */
export interface RunningApp {
  /** Where it listens. */
  url: string;
  server: HttpServer;
  /** What it has logged so far. */
  entries: LogEntry[];
  /** What an operator would have to look at: lines of level warn and above. */
  complaints: LogEntry[];
  /** Ends it as SIGTERM would; a second call waits for the first. */
  stop(): Promise<void>;
}

/** How often a start is tried that fails for want of a database that answers in time. */
const mostStarts = 5;

/** Builds the app, listens on a free port of 127.0.0.1 and starts its background work, as `runService` does. */
export async function startApp<Config extends { INSTANCE: string }>(service: {
  name: string;
  config: Config;
  build: (context: BuildContext<Config>) => Promise<App>;
}): Promise<RunningApp> {
  const { name, config, build } = service;
  const { logger, entries, complaints } = recordingLogger();
  const begin = (): Promise<App> =>
    build({ config, logger, metrics: createMetrics({ service: name, instance: config.INSTANCE }) });
  let app: App | undefined;
  for (let tries = 1; app === undefined; tries += 1) {
    try {
      app = await begin();
    } catch (error) {
      // Whoever supervises it would start it again. That its database is slow for a moment is no matter of the test.
      if (!isRetryable(error) || tries === mostStarts) throw error;
    }
  }
  await app.server.listen({ host: '127.0.0.1', port: 0 });
  await app.start?.();
  const stop = async (): Promise<void> => {
    app.server.startDraining();
    await app.quiesce?.();
    await app.server.close();
    await app.stop?.();
  };
  let stopped: Promise<void> | undefined;
  return {
    url: `http://127.0.0.1:${(app.server.server.address() as AddressInfo).port}`,
    server: app.server,
    entries,
    complaints,
    stop: () => (stopped ??= stop()),
  };
}
