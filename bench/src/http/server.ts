/** An HTTP server in a process of its own, and load on it. */
import { fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import autocannon from 'autocannon';
import type { Contender } from '../measure.ts';

export interface Server {
  pid: number;
  url: string;
  stop(): Promise<void>;
}

/** Child's side: tells the parent where it listens, and ends when told. */
export function listening(url: string): void {
  process.send!({ url });
  process.on('message', () => process.exit(0));
}

/** A script of this folder that calls `listening`. */
export async function forkServer(file: string, environment: Record<string, string>): Promise<Server> {
  const child = fork(file, { env: { ...process.env, ...environment } });
  const exited = once(child, 'exit');
  const [message] = (await Promise.race([
    once(child, 'message'),
    exited.then(([code]) => Promise.reject(new Error(`${file} ended with ${String(code)}`))),
  ])) as [{ url: string }];
  return {
    pid: child.pid!,
    url: message.url,
    stop: async () => {
      child.send('stop');
      await exited;
    },
  };
}

/** A service of Ballast as it is run, on `port`; ready when `/readyz` or, at least, `/healthz` says so. */
export async function startService(
  entry: string,
  port: number,
  environment: Record<string, string>,
  readyPath = '/healthz',
): Promise<Server> {
  const child = spawn(process.execPath, [entry], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: {
      ...process.env,
      PORT: String(port),
      INSTANCE: 'bench',
      LOG_LEVEL: 'silent',
      LAB_MODE: '0',
      ...environment,
    },
  });
  const exited = once(child, 'exit');
  let ended = false;
  void exited.then(() => (ended = true));
  const url = `http://127.0.0.1:${port}`;
  for (let tries = 0; ; tries += 1) {
    const answer = await fetch(`${url}${readyPath}`).catch(() => null);
    if (answer?.ok === true) break;
    if (ended || tries > 300) throw new Error(`${entry} did not start`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return {
    pid: child.pid!,
    url,
    stop: async () => {
      child.kill('SIGTERM');
      await exited;
    },
  };
}

/** Requests for a path of a server, `connections` at once. Anything but a 2xx ends the benchmark. */
export function httpContender(
  name: string,
  server: Server,
  request: Partial<autocannon.Options> & { path: string },
  connections: number,
): Contender {
  const { path, ...rest } = request;
  return {
    name,
    pids: [server.pid],
    run: async (milliseconds) => {
      const result = await autocannon({
        url: `${server.url}${path}`,
        connections,
        duration: milliseconds / 1000,
        ...rest,
      });
      if (result.non2xx > 0 || result.errors > 0)
        throw new Error(`${name}: ${result.non2xx} answers that were no 2xx, ${result.errors} errors`);
      return result['2xx'];
    },
  };
}
