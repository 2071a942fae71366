/** A service as a process of its own: to be killed, and to be judged by its log and its exit code. */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { until } from './until.ts';

/** How a process ended: a code, or the signal that ended it. */
export interface ProcessEnd {
  code: number | null;
  signal: NodeJS.Signals | null;
}

export interface ServiceProcess {
  url: string;
  pid: number;
  /** Lines on standard output and standard error so far, as they came. */
  lines: string[];
  /** Lines on standard error only. */
  errors: string[];
  /** The lines that are log lines of pino's. Levels: 30 info, 40 warn, 50 error. */
  log(): { level: number; msg: string }[];
  /** Resolves once it has logged `ready` (consumers run) and `/readyz` answers 200; rejects after 15 s, or at its end. */
  ready(): Promise<void>;
  ended: Promise<ProcessEnd>;
  /** True once it has ended. */
  readonly gone: boolean;
  /** Sends a signal and waits for the end. */
  end(signal?: NodeJS.Signals): Promise<ProcessEnd>;
}

/**
 * A port of 127.0.0.1 that nobody listens on at this moment, below those that the kernel takes for outgoing connections
 * (32768 on Linux): none of these takes it before whoever asked does. Nor does another process of tests, where each has
 * been given ports of its own (`TEST_FREE_PORTS`).
 */
export async function freePort(): Promise<number> {
  const [first, last] = (process.env['TEST_FREE_PORTS'] ?? '22000-31999').split('-').map(Number) as [number, number];
  for (;;) {
    const port = randomInt(first, last + 1);
    const server = createServer().listen(port, '127.0.0.1');
    try {
      await once(server, 'listening');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') continue;
      throw error;
    }
    server.close();
    await once(server, 'close');
    return port;
  }
}

const running = new Set<ChildProcess>();

// Whoever is ended by a signal has not come to end them one by one.
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** What makes a process start sooner, where whoever runs the tests has given it: see `bundlePackages` of the lab. */
function quickStart(): { arguments: string[]; environment: Record<string, string> } {
  const given = ['NODE_COMPILE_CACHE', 'BUNDLED_PACKAGES'].map((name) => [name, process.env[name]] as const);
  return {
    arguments: process.execArgv.filter((argument) => argument.startsWith('--import=')),
    environment: Object.fromEntries(given.filter((entry): entry is [string, string] => entry[1] !== undefined)),
  };
}

/**
 * Runs a service's `main.ts` with `environment` and nothing else of this process's own that matters to it; PORT is a free one unless it
 * is given. Resolves at once, before it is ready.
 */
export async function spawnService(main: string, environment: Record<string, string>): Promise<ServiceProcess> {
  const port = environment['PORT'] ?? String(await freePort());
  const quick = quickStart();
  const child = spawn(process.execPath, [...quick.arguments, main], {
    env: { ...quick.environment, INSTANCE: 'test-1', LOG_LEVEL: 'info', ...environment, PORT: port },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.add(child);
  const url = `http://127.0.0.1:${port}`;
  const lines: string[] = [];
  const errors: string[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => lines.push(line));
  createInterface({ input: child.stderr }).on('line', (line) => {
    lines.push(line);
    errors.push(line);
  });
  let gone = false;
  const ended = once(child, 'close').then(([code, signal]): ProcessEnd => {
    gone = true;
    running.delete(child);
    return { code: code as number | null, signal: signal as NodeJS.Signals | null };
  });
  const log = (): { level: number; msg: string }[] =>
    lines.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line) as { level: number; msg: string });
  return {
    url,
    pid: child.pid!,
    lines,
    errors,
    log,
    ready: async () => {
      const answers = (): Promise<boolean> =>
        fetch(`${url}/readyz`, { signal: AbortSignal.timeout(1_000) }).then(
          (response) => response.ok,
          () => false,
        );
      await until(
        `${main} to be ready`,
        async () => gone || (log().some(({ msg }) => msg === 'ready') && (await answers())),
      );
      if (gone) throw new Error(`${main} has ended:\n${lines.join('\n')}`);
    },
    ended,
    get gone() {
      return gone;
    },
    end: (signal = 'SIGTERM') => {
      child.kill(signal);
      return ended;
    },
  };
}
