/**
 * Serves the played mesh and the built pages on one port: `node test/fake/server.ts 4100`. Test code. Signs everybody in
 * as an operator. `POST /fake/mute` makes the stream fall silent, `POST /fake/drop` cuts it, `POST /fake/prometheus/down`
 * changes the Prometheus (see metrics.ts), `POST /fake/visitor/customer` who is signed in: operator, customer or nobody.
 */
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import type {
  Experiment,
  ExperimentState,
  FaultRequest,
  LiveEvent,
  LiveMetrics,
  LiveSnapshot,
  Load,
} from '@ballast/contracts';
import { createWorld } from './world.ts';
import { fakePanel, fakePanelList, fakePrometheusStates, fakeRefusal } from './metrics.ts';
import type { FakePrometheusState } from './metrics.ts';
import { sagaDefinition } from './saga.ts';

const idle: ExperimentState = {
  phase: 'idle',
  name: null,
  startedAt: null,
  elapsed: 0,
  seconds: 0,
  step: 0,
  steps: 0,
  doing: '',
  result: null,
  recording: null,
};

const drill: Experiment = {
  version: 1,
  name: 'drill',
  description: 'The fixed tour: catalog, PostgreSQL, the broker, payments',
  seed: 1,
  seconds: 20,
  steps: [
    { at: 0, load: { ordersPerSecond: 10, declined: 0.2, readsPerSecond: 0 } },
    { at: 2, fault: { kind: 'link', from: 'bff', to: 'catalog-1', toxic: 'down', seconds: 10 } },
  ],
};

const types: Record<string, string> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
};

/** As the bff sends it with every page (its routes/pages.ts): what breaks under it breaks here, too. */
const contentSecurityPolicy =
  "default-src 'self';script-src 'self';style-src 'self';img-src 'self' data:;connect-src 'self';object-src 'none';base-uri 'none';frame-ancestors 'none';form-action 'self'";

const panelsPath = '/api/metrics/panels/';

/** How often slices are told, in milliseconds; moves and calls are told more often than the rest. */
const often = 250;

export function createFakeMesh(pages: string): Server & { stop(): void } {
  const world = createWorld();
  const watchers = new Set<ServerResponse>();
  const metrics: LiveMetrics[] = [];
  let experiment = idle;
  let seq = 0;
  let muted = false;
  let rounds = 0;
  let prometheus: FakePrometheusState = 'up';
  let visitor = 'operator';

  const tell = (name: LiveEvent, data: unknown, to: Iterable<ServerResponse> = watchers): void => {
    seq += 1;
    for (const watcher of to) watcher.write(`id: fake-${seq}\nevent: ${name}\ndata: ${JSON.stringify(data)}\n\n`);
  };
  const snapshot = (): LiveSnapshot => ({
    at: new Date().toISOString(),
    topology: { nodes: world.nodes(), links: world.liveLinks() },
    phase: world.phase(),
    faults: { items: world.faults() },
    invariants: world.verdicts(),
    orders: { inFlight: [], totals: world.totals },
    load: world.load,
    experiment,
    metrics,
    wire: world.calls(40),
  });

  const timer = setInterval(() => {
    rounds += 1;
    const moves = world.advance(often / 1000);
    if (muted) return;
    if (moves.length > 0)
      tell('orders', { moves: moves.slice(0, 500), skipped: Math.max(0, moves.length - 500), totals: world.totals });
    const calls = world.load.load.ordersPerSecond + world.load.load.readsPerSecond / 4 + 2;
    tell('wire', {
      calls: world.calls(Math.min(50, Math.ceil(calls / 4))),
      missed: Math.max(0, Math.round(calls / 4) - 50),
    });
    if (rounds % 4 !== 0) return;
    const rate = world.load.load.ordersPerSecond;
    metrics.push({
      at: new Date().toISOString(),
      requestsPerSecond: 4 + rate * 3 + Math.random() * 4,
      errorsPerSecond: world.phase().phase === 'DEGRADED' ? Math.random() * 3 : 0,
      p50: 4 + Math.random(),
      p95: 20 + Math.random() * 20,
      ordersPerSecond: rate,
      completedPerSecond: rate * 0.8,
      compensatedPerSecond: rate * 0.2,
      inFlight: world.load.inFlight,
      outbox: Math.round(Math.random() * 4),
    });
    metrics.splice(0, Math.max(0, metrics.length - 60));
    if (experiment.phase === 'running') {
      const elapsed = experiment.elapsed + 1;
      const over = elapsed >= experiment.seconds;
      const result = {
        passed: true,
        faults: 1,
        requests: 320,
        failed: 4,
        violated: [],
        recoveryP50: 900,
        recoveryP99: 1_400,
      };
      experiment = { ...experiment, elapsed, phase: over ? 'done' : 'running', ...(over ? { result } : {}) };
    }
    tell('topology', { nodes: world.nodes(), links: world.liveLinks() });
    tell('metrics', metrics.at(-1));
    tell('invariants', world.verdicts());
    tell('faults', { items: world.faults() });
    tell('phase', world.phase());
    tell('load', world.load);
    tell('experiment', experiment);
    for (const watcher of watchers) watcher.write(': still here\n\n');
  }, often);

  /** What an API call answers: its status and body. */
  const answer = (method: string, path: string, body: unknown): [status: number, body: unknown] => {
    const user = {
      userId: '01926f00-0000-7000-8000-000000000001',
      email: 'operator@ballast.test',
      roles: ['operator'],
    };
    if (path === '/api/session') {
      const roles = visitor === 'operator' ? user.roles : ['customer'];
      return [200, { user: visitor === 'nobody' ? null : { ...user, roles }, csrfToken: 'fake', lab: true }];
    }
    if (path === '/api/metrics/panels') return [200, fakePanelList()];
    if (path === '/api/sagas/place-order') return [200, sagaDefinition];
    if (path === '/api/chaos/targets') return [200, world.targets];
    if (path === '/api/chaos/experiments') return [200, { items: [drill] }];
    if (path === '/api/chaos/faults' && method === 'POST') return [201, world.inject(body as FaultRequest)];
    if (path.startsWith('/api/chaos/faults') && method === 'DELETE') {
      world.heal(path.split('/')[4] ?? '*');
      return [200, {}];
    }
    if (path === '/api/chaos/load') {
      world.load.load = body as Load;
      return [200, world.load];
    }
    if (path === '/api/chaos/experiment' && method === 'POST') {
      const { name, seconds, steps } = body as Experiment;
      experiment = { ...idle, phase: 'running', name, seconds, steps: steps.length, step: 1, doing: 'Working at it' };
      return [202, experiment];
    }
    if (path === '/api/chaos/experiment') return [200, (experiment = { ...experiment, phase: 'stopped' })];
    if (path === '/api/chaos/recording' && method === 'POST') {
      experiment = { ...experiment, recording: { since: new Date().toISOString(), steps: 0 } };
      return [201, experiment];
    }
    if (path === '/api/chaos/recording') {
      experiment = { ...experiment, recording: null };
      return [200, { ...drill, name: 'recorded by hand' }];
    }
    if (path === '/fake/mute') return [200, { muted: (muted = !muted) }];
    if (path === '/fake/drop') {
      for (const watcher of watchers) watcher.destroy();
      return [200, {}];
    }
    if (path.startsWith('/fake/prometheus/')) {
      prometheus = fakePrometheusStates.find((state) => path.endsWith(`/${state}`)) ?? 'up';
      return [200, { prometheus }];
    }
    if (path.startsWith('/fake/visitor/')) return [200, { visitor: (visitor = path.slice('/fake/visitor/'.length)) }];
    return [404, { code: 'not-found', detail: 'There is nothing here.' }];
  };

  const servePanel = (url: URL, response: ServerResponse): void => {
    const refusal = fakeRefusal(prometheus);
    const minutes = Number(url.searchParams.get('minutes') ?? 15);
    const data = fakePanel(url.pathname.slice(panelsPath.length), minutes, prometheus, Date.now());
    if (prometheus === 'slow') return;
    if (refusal !== null) {
      response.writeHead(503, {
        'content-type': 'application/problem+json',
        ...(refusal.retryAfter === undefined ? {} : { 'retry-after': refusal.retryAfter }),
      });
      response.end(JSON.stringify({ status: 503, code: refusal.code, detail: refusal.detail }));
    } else {
      response.writeHead(data === null ? 404 : 200, { 'content-type': 'application/json' });
      response.end(JSON.stringify(data ?? { code: 'not-found', detail: 'There is no panel of this name.' }));
    }
  };

  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = new URL(request.url ?? '/', 'http://fake.invalid');
    const path = url.pathname;
    if (path.startsWith(panelsPath)) servePanel(url, response);
    else if (path === '/api/live') {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      watchers.add(response);
      response.on('close', () => watchers.delete(response));
      tell('snapshot', snapshot(), [response]);
    } else if (path.startsWith('/api/') || path.startsWith('/fake/')) {
      let text = '';
      for await (const chunk of request) text += String(chunk);
      const [status, body] = answer(request.method ?? 'GET', path, text === '' ? undefined : JSON.parse(text));
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    } else {
      const file = extname(path) === '' ? 'index.html' : path;
      const type = types[extname(file)] ?? 'application/octet-stream';
      const headers = { 'content-type': type, 'content-security-policy': contentSecurityPolicy };
      response.writeHead(200, headers).end(await readFile(join(pages, file)));
    }
  };
  const server = createServer((request, response) => {
    serve(request, response).catch((error: unknown) => response.writeHead(500).end(String(error)));
  });
  return Object.assign(server, {
    stop() {
      clearInterval(timer);
      for (const watcher of watchers) watcher.destroy();
      server.close();
    },
  });
}

if (import.meta.main) {
  const port = Number(process.argv[2] ?? 4100);
  createFakeMesh(process.argv[3] ?? join(import.meta.dirname, '../../dist')).listen(port, '127.0.0.1');
}
