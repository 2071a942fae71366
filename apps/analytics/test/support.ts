/** What the tests of analytics share: analytics on real parts, and gateways played by the test. */
import assert from 'node:assert/strict';
import { randomUUIDv7 } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import type { DeviceEvent, DeviceEventType, GatewayCounted } from '@ballast/contracts';
import { configureFaults } from '@ballast/faults';
import { createMessage, type Message } from '@ballast/messaging';
import {
  startApp,
  testBroker,
  testDatabase,
  testIdentity,
  type RunningApp,
  type TestBroker,
  type TestDatabase,
} from '@ballast/testing';
import { buildApp } from '../src/app.ts';
import type { Config } from '../src/config.ts';

/** Analytics' tables without the service. */
export const analyticsTables = {
  schema: 'analytics',
  sets: [{ name: 'analytics', directory: fileURLToPath(new URL('../migrations', import.meta.url)) }],
};

let lastStart = Date.now();
/** The epoch of a process that started after all others: within a millisecond UUIDv7s are in no order. */
export function newEpoch(): string {
  lastStart += 1;
  const time = lastStart.toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}${randomUUIDv7().slice(13)}`;
}

/** A report of a gateway that has just started; `changes` say what it has counted. */
export const reportOf = (changes: Partial<GatewayCounted> & Pick<GatewayCounted, 'epoch'>): GatewayCounted => ({
  gateway: 'gateway-1',
  seq: 1,
  at: new Date().toISOString(),
  connections: 0,
  sessions: 0,
  attempts: 0,
  accepted: 0,
  rejected: [],
  ended: {},
  telemetry: { received: 0, told: 0, dropped: 0 },
  events: { told: 0, dropped: 0 },
  last: false,
  ...changes,
});

/** A rejection for the audit trail. */
export const eventOf = (changes: Partial<DeviceEvent> = {}): DeviceEvent => ({
  id: randomUUIDv7(),
  kind: 'rejected',
  at: new Date().toISOString(),
  deviceId: null,
  claimedId: null,
  sessionId: null,
  remoteAddress: '127.0.0.1',
  reason: 'bad_signature',
  ...changes,
});

/** The message a gateway tells this body with. */
export const messageOf = (type: DeviceEventType, body: { epoch: string }): Message =>
  createMessage({ type, correlationId: body.epoch, body } as unknown as Parameters<typeof createMessage>[0]);

export interface Bench {
  test: TestDatabase;
  broker: TestBroker;
  environment: Record<string, string>;
  /** Publishes and waits for the broker's confirms. */
  say(...messages: readonly Message[]): Promise<void>;
  start(settings?: Partial<Config>, now?: () => number): Promise<RunningApp>;
  operator: string;
  customer: string;
  close(): Promise<void>;
}

export const queues = ['analytics.counts', 'analytics.events', 'analytics.telemetry'];

/** Opens a bench on which no analytics runs yet. */
export async function openBench({ lab = false } = {}): Promise<Bench> {
  configureFaults({ labMode: lab, faults: '' });
  const test = await testDatabase({ schema: 'analytics', sets: [], maxConnections: 10 });
  const broker = await testBroker();
  const identity = await testIdentity();
  const peer = await broker.peer([]);
  const running: RunningApp[] = [];
  const environment = {
    POSTGRES_URL: test.url,
    AMQP_URL: broker.url,
    MESSAGING_NAMESPACE: broker.namespace,
    IDENTITY_URL: identity.url,
  };
  return {
    test,
    broker,
    environment,
    say: peer.say,
    start: async (settings, now) => {
      const config: Config = {
        HOST: '127.0.0.1',
        PORT: 0,
        INSTANCE: `analytics-${running.length + 1}`,
        LOG_LEVEL: 'info',
        LAB_MODE: '0',
        FAULTS: '',
        DEFECTS: '',
        RETENTION_DAYS: 30,
        ...environment,
        ...settings,
      };
      const app = await startApp({ name: 'analytics', config, build: (context) => buildApp(context, now) });
      running.push(app);
      return app;
    },
    operator: identity.token({ roles: ['operator'] }),
    customer: identity.token({ roles: ['customer'] }),
    close: async () => {
      for (const app of running) await app.stop();
      await broker.clean(queues);
      await identity.close();
      await test.drop();
      configureFaults({ labMode: false, faults: '' });
    },
  };
}

/** Series as Prometheus would read them: `name{label="value"}` without the labels every series has, to its value. */
export async function scrape(url: string): Promise<Map<string, number>> {
  const response = await fetch(`${url}/metrics`, { signal: AbortSignal.timeout(10_000) });
  assert.equal(response.status, 200);
  const series = new Map<string, number>();
  for (const line of (await response.text()).split('\n')) {
    const match = /^([a-z_]+)(?:\{(.*)\})? ([0-9.e+-]+|NaN)$/.exec(line);
    if (match === null) continue;
    const labels = (match[2] ?? '').split(',').filter((label) => label !== '' && !/^(service|instance)=/.test(label));
    series.set(labels.length === 0 ? match[1]! : `${match[1]}{${labels.toSorted().join(',')}}`, Number(match[3]));
  }
  return series;
}

export interface Answer<Body> {
  status: number;
  body: Body & { code?: string; field?: string };
}

/** GETs as the holder of a token, or as nobody. */
export async function get<Body>(url: string, token: string | null): Promise<Answer<Body>> {
  const response = await fetch(url, {
    headers: token === null ? {} : { authorization: `Bearer ${token}` },
    signal: AbortSignal.timeout(10_000),
  });
  return { status: response.status, body: (await response.json()) as Answer<Body>['body'] };
}
