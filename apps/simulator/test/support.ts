/** What the simulator's tests share: a real gateway, identity's routes over a test's keys, and the simulator as a process. */
import { spawn } from 'node:child_process';
import { randomUUIDv7 } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { accessAudience, deviceAudience, deviceTokenType, type OddTokenKind } from '@ballast/contracts';
import { freePort, spawnService, testBroker, testDatabase, testIdentity, type TestIdentity } from '@ballast/testing';
import type { Compared, ScenarioResult } from '../src/report/comparison.ts';
import type { Snapshot } from '../src/tally.ts';

const simulator = fileURLToPath(new URL('../src/main.ts', import.meta.url));
const analyticsMain = fileURLToPath(new URL('../../analytics/src/main.ts', import.meta.url));
const gatewayMain = fileURLToPath(new URL('../../tcp-gateway/src/main.ts', import.meta.url));

export interface Report {
  results: ScenarioResult[];
  seen: Snapshot;
  compared?: Compared[];
  wrong: string[];
  whole: boolean;
}

export interface Ended {
  code: number | null;
  output: string;
  report: Report | undefined;
}

export interface Simulation {
  /** All lines so far, of both streams. */
  output(): string;
  signal(signal: NodeJS.Signals): void;
  ended: Promise<Ended>;
}

/** Arguments as they are typed. */
export const words = (text: string): string[] => text.split(' ');

/** Starts the simulator as a process. */
export async function startSimulator(...argv: readonly string[]): Promise<Simulation> {
  const folder = await mkdtemp(join(tmpdir(), 'ballast-simulator-'));
  const file = join(folder, 'report.json');
  const child = spawn(process.execPath, [simulator, '--report', file, ...argv], {
    env: { ...process.env },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 90_000,
    killSignal: 'SIGKILL',
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  const ended = once(child, 'close').then(async ([code]): Promise<Ended> => {
    const written = await readFile(file, 'utf8').catch(() => undefined);
    await rm(folder, { recursive: true, force: true });
    return {
      code: code as number | null,
      output,
      report: written === undefined ? undefined : (JSON.parse(written) as Report),
    };
  });
  return { output: () => output, signal: (signal) => void child.kill(signal), ended };
}

export interface IdentityFront {
  url: string;
  /** Tokens that were revoked. */
  revoked: string[];
  close(): Promise<void>;
}

export const operator = { email: 'operator@ballast.test', password: 'ballast-operator' };

/** Identity's routes for operators, with the tokens of a test's issuer. */
export async function identityFront(identity: TestIdentity): Promise<IdentityFront> {
  const revoked: string[] = [];
  const oddities: Record<OddTokenKind, (now: number) => [object, object?]> = {
    expired: (now) => [{ exp: now - 60 }],
    not_yet_valid: (now) => [{ nbf: now + 1_800 }],
    wrong_issuer: () => [{ iss: 'https://issuer.invalid' }],
    wrong_audience: () => [{ aud: accessAudience }],
    wrong_type: () => [{}, { typ: 'at+jwt' }],
    missing_claim: () => [{ exp: undefined }],
  };
  const token = (deviceId: string, claims: object = {}, header: object = {}): string =>
    identity.token(
      {},
      { aud: deviceAudience, sub: deviceId, email: undefined, roles: undefined, ...claims },
      { typ: deviceTokenType, ...header },
    );
  const server = createServer((request, response) => {
    const answer = (status: number, body?: object): void => {
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(body === undefined ? undefined : JSON.stringify(body));
    };
    void read(request).then(async (body) => {
      const { method = '', url = '' } = request;
      if (url === '/.well-known/jwks.json')
        return answer(200, (await (await fetch(identity.url + url)).json()) as object);
      if (url === '/login') {
        const good = body['email'] === operator.email && body['password'] === operator.password;
        return good ? answer(200, { accessToken: 'an-operator', expiresIn: 900 }) : answer(401, {});
      }
      if (request.headers.authorization !== 'Bearer an-operator') return answer(401, {});
      if (method === 'POST' && url === '/devices') {
        const tokenId = randomUUIDv7();
        return answer(201, { token: token(String(body['deviceId']), { jti: tokenId }), tokenId });
      }
      if (method === 'POST' && url === '/lab/devices/odd-tokens') {
        const [claims, header] = oddities[body['kind'] as OddTokenKind](Math.floor(Date.now() / 1_000));
        return answer(200, { token: token(String(body['deviceId']), claims, header) });
      }
      const [, jti] = /^\/devices\/[^/]+\/tokens\/([^/]+)$/.exec(url) ?? [];
      if (method !== 'DELETE' || jti === undefined) return answer(404, {});
      revoked.push(jti);
      identity.revoke(jti);
      return answer(204);
    });
  });
  return { url: await listen(server), revoked, close: () => close(server) };
}

async function read(request: IncomingMessage): Promise<Record<string, unknown>> {
  let text = '';
  for await (const piece of request.setEncoding('utf8')) text += String(piece);
  return text === '' ? {} : (JSON.parse(text) as Record<string, unknown>);
}

export async function listen(server: Server): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

export async function close(server: Server): Promise<void> {
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
}

export interface AnalyticsFront {
  url: string;
  /** Added to what is told of a metric, from the moment on at which it is set and the first answer was given. */
  lie: { metric: string; by: number } | undefined;
  close(): Promise<void>;
}

/** The gateway's own counts under the names that analytics gives them. */
export async function analyticsFront(gatewayUrl: string): Promise<AnalyticsFront> {
  let asked = 0;
  const front = { lie: undefined } as unknown as AnalyticsFront;
  const server = createServer((_request, response) => {
    void (async () => {
      const text = await (await fetch(`${gatewayUrl}/metrics`)).text();
      const told = text
        .replaceAll('gateway_attempts_total', 'auth_attempts_total')
        .replaceAll('gateway_accepted_total', 'auth_success_total')
        .replaceAll('gateway_rejected_total', 'auth_failures_total')
        .replaceAll('gateway_connections', 'active_connections_total')
        .replaceAll('gateway_sessions{', 'active_sessions{')
        .replaceAll(/gateway_items\{(.*kind="telemetry".*)\}/g, 'device_telemetry_total{$1}');
      asked += 1;
      const { lie } = front;
      response.end(lie !== undefined && asked > 3 ? `${told}\n${lie.metric} ${lie.by}\n` : told);
    })();
  });
  front.url = await listen(server);
  front.close = () => close(server);
  return front;
}

/** The real analytics as a process, on a database of its own; what it hears is what the bench's gateway tells. */
export async function startAnalytics(bench: Bench): Promise<{ url: string; close(): Promise<void> }> {
  const database = await testDatabase({ schema: 'analytics', sets: [], maxConnections: 10 });
  const process = await spawnService(analyticsMain, {
    ...bench.environment,
    POSTGRES_URL: database.url,
    INSTANCE: 'analytics-1',
  });
  const closeAll = async (): Promise<void> => {
    await process.end();
    await bench.cleanQueues(['analytics.counts', 'analytics.events', 'analytics.telemetry']);
    await database.drop();
  };
  try {
    await process.ready();
  } catch (error) {
    await closeAll();
    throw error;
  }
  return { url: process.url, close: closeAll };
}

export interface Bench {
  identity: TestIdentity;
  front: IdentityFront;
  gateway: { address: string; url: string };
  /** What services on this bench are told of identity and broker. */
  environment: Record<string, string>;
  /** Options that lead to this bench. */
  options: string[];
  /** Removes what others have declared at the broker; done at the end. */
  cleanQueues(queues: readonly string[]): Promise<void>;
  close(): Promise<void>;
}

/** A gateway as a process, on a real broker. It lets devices be silent for less than usual, and for longer than a machine stalls. */
export async function openBench(settings: Record<string, string> = {}): Promise<Bench> {
  const identity = await testIdentity();
  const broker = await testBroker();
  const front = await identityFront(identity);
  const declared: string[] = [];
  const port = await freePort();
  const environment = { AMQP_URL: broker.url, MESSAGING_NAMESPACE: broker.namespace, IDENTITY_URL: identity.url };
  const gateway = await spawnService(gatewayMain, {
    ...environment,
    INSTANCE: 'tcp-gateway-1',
    TCP_PORT: String(port),
    AUTH_DEADLINE_MS: '1000',
    HEARTBEAT_SECONDS: '8',
    ...settings,
  });
  const closeAll = async (): Promise<void> => {
    await gateway.end();
    await front.close();
    await broker.clean(declared);
    await identity.close();
  };
  try {
    await gateway.ready();
  } catch (error) {
    await closeAll();
    throw error;
  }
  const address = `127.0.0.1:${port}`;
  return {
    identity,
    front,
    environment,
    gateway: { address, url: gateway.url },
    options: ['--gateway', address, '--identity', front.url, '--auth-deadline', '1', '--threads', '2'],
    cleanQueues: async (queues) => void declared.push(...queues),
    close: closeAll,
  };
}
