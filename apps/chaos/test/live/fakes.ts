/** A mesh for the live hub to look at: processes that say what a test wants them to. */
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Fault, Move, WireCall } from '@ballast/contracts';

export interface FakeProcess {
  url: string;
  /** Requests so far, by path without the query. */
  asked: Map<string, number>;
  /** From now on connections are refused. */
  stop(): Promise<void>;
}

/** Answers by path: a text, a document, or a function of the request that gives either; 404 for everything else. */
export type Answers = Record<string, unknown>;

export async function fakeProcess(answers: Answers): Promise<FakeProcess> {
  const asked = new Map<string, number>();
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? '/', 'http://x').pathname;
    asked.set(path, (asked.get(path) ?? 0) + 1);
    const given = answers[path];
    const answer = typeof given === 'function' ? (given as (from: IncomingMessage) => unknown)(request) : given;
    const status = (answer as { status?: number } | undefined)?.status;
    response.writeHead(answer === undefined ? 404 : typeof status === 'number' ? status : 200);
    response.end(typeof answer === 'string' ? answer : JSON.stringify(answer ?? {}));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  let stopped = false;
  return {
    url: `http://127.0.0.1:${port}`,
    asked,
    stop: async () => {
      if (stopped) return;
      stopped = true;
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** A service: ready or not, with requests it has answered and calls it tells. */
export async function fakeService(instance: string) {
  const state = { failing: {} as Record<string, string>, requests: 0, breaker: 0 };
  const calls: WireCall[] = [];
  const process = await fakeProcess({
    '/readyz': () => ({ status: Object.keys(state.failing).length === 0 ? 200 : 503, failing: state.failing }),
    '/metrics': () =>
      [
        `process_start_time_seconds ${Date.now() / 1_000 - 60}`,
        `process_resident_memory_bytes 50000000`,
        `outbox_rows 3`,
        `bff_breaker_state{upstream="checkout"} ${state.breaker}`,
        `http_request_duration_seconds_bucket{le="0.01",kind="request"} ${state.requests}`,
        `http_request_duration_seconds_bucket{le="+Inf",kind="request"} ${state.requests}`,
        `http_requests_total{kind="request",method="GET",route="/x",status="200"} ${state.requests}`,
      ].join('\n'),
    '/lab/wire': (request: IncomingMessage) => {
      if (request.headers.authorization !== 'Bearer operator') return { status: 401 };
      const after = Number(new URL(request.url!, 'http://x').searchParams.get('after') ?? 0);
      return { items: calls.slice(after), seq: calls.length, missed: 0 };
    },
  });
  return {
    ...process,
    state,
    answerCall: (path: string): void => {
      calls.push({
        at: new Date().toISOString(),
        service: instance,
        instance,
        method: 'GET',
        path,
        status: 200,
        milliseconds: 1.5,
        traceId: null,
        upstreams: [],
      });
    },
  };
}

/** An auditor that only tells of moves; its cursor is how many it has told. */
export async function fakeAuditor() {
  const moves: Move[] = [];
  const process = await fakeProcess({
    '/readyz': { failing: {} },
    '/healthz': {},
    '/moves': (request: IncomingMessage) => {
      const after = Number(new URL(request.url!, 'http://x').searchParams.get('after') ?? 0);
      const totals: Record<string, number> = {};
      for (const { to } of new Map(moves.map((move) => [move.orderId, move])).values())
        totals[to] = (totals[to] ?? 0) + 1;
      return { items: moves.slice(after), cursor: String(moves.length), totals };
    },
  });
  return { ...process, moves };
}

export const fakeFault = (changes: Partial<Fault> = {}): Fault => ({
  id: '1',
  request: { kind: 'point', instance: 'checkout-1', point: 'process.tick', action: 'crash', seconds: 5 },
  title: 'checkout-1: crash at process.tick',
  nodes: ['checkout-1'],
  links: [],
  state: 'active',
  injectedAt: '2026-01-01T00:00:00.000Z',
  until: '2026-01-01T00:00:05.000Z',
  endedAt: null,
  detail: null,
  receipt: { requests: 0, failed: 0, p50: null, p95: null, outage: null, kind: 'process', recovery: null },
  ...changes,
});
