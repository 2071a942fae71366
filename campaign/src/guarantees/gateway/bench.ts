/**
 * A real gateway and a real analytics as processes, on real parts, with a link to the broker that can be frozen, and what
 * both of them say of themselves.
 */
import { randomUUIDv7 } from 'node:crypto';
import { join } from 'node:path';
import { deviceAudience, deviceTokenType } from '@ballast/contracts';
import {
  freePort,
  spawnService,
  testBroker,
  testDatabase,
  testIdentity,
  until,
  type ServiceProcess,
  type TokenPart,
} from '@ballast/testing';
import { linkTo, type Link } from '../link.ts';

const gatewayMain = join(import.meta.dirname, '../../../../apps/tcp-gateway/src/main.ts');
const analyticsMain = join(import.meta.dirname, '../../../../apps/analytics/src/main.ts');

/** `name{label="value",…}`, labels in order and without those that every series has, to the value. */
export type Series = ReadonlyMap<string, number>;

/** Telemetry as it was in the broker, to be compared with what the gateway says it has told. */
export interface Heard {
  /** Frames, those that came again counted again. */
  frames: number;
  /** Frames, each once: a message that comes again has its id. */
  distinct: number;
}

export interface GatewayBench {
  /** Where devices connect; the same in every life of the gateway. */
  port: number;
  /** What lies between the gateway and the broker. */
  link: Link;
  /** A device's token; claims and header override what a good one has. */
  token(deviceId?: string, claims?: TokenPart, header?: TokenPart): string;
  gateway(): Promise<Series>;
  analytics(): Promise<Series>;
  /** Takes what telemetry has come to the broker since the bench was opened. */
  heard(): Promise<Heard>;
  /** SIGKILL for the gateway. */
  kill(): Promise<void>;
  /** The gateway's next life. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

/** Opens it, both processes running. Needs PostgreSQL and RabbitMQ (TEST_…_URL). `settings` and `defects` are the gateway's. */
export async function openGatewayBench(options: {
  settings: Record<string, string>;
  defects: string;
}): Promise<GatewayBench> {
  const closers: (() => Promise<unknown>)[] = [];
  const close = async (): Promise<void> => {
    for (const closer of closers.toReversed()) await closer();
  };
  try {
    const identity = await testIdentity();
    closers.push(() => identity.close());
    const { url, drop } = await testDatabase({ schema: 'analytics', sets: [] });
    closers.push(drop);
    const broker = await testBroker();
    closers.push(() => broker.clean(['analytics.counts', 'analytics.events', 'analytics.telemetry']));
    await broker.listen('ears', ['DeviceTelemetry']);
    const link = await linkTo(broker.url);
    closers.push(() => link.close());
    const common = {
      LAB_MODE: '1',
      DEFECTS: options.defects,
      MESSAGING_NAMESPACE: broker.namespace,
      IDENTITY_URL: identity.url,
    };
    const analytics = await spawnService(analyticsMain, {
      ...common,
      INSTANCE: 'analytics-1',
      POSTGRES_URL: url,
      AMQP_URL: broker.url,
    });
    closers.push(() => analytics.end('SIGKILL'));
    const port = await freePort();
    const start = (): Promise<ServiceProcess> =>
      spawnService(gatewayMain, {
        ...common,
        ...options.settings,
        INSTANCE: 'tcp-gateway-1',
        TCP_PORT: String(port),
        AMQP_URL: link.url,
      });
    let gateway = await start();
    closers.push(() => gateway.end('SIGKILL'));
    await Promise.all([analytics.ready(), gateway.ready()]);
    const heard = new Map<string, number>();
    let frames = 0;
    return {
      port,
      link,
      token: (deviceId = deviceName(), claims = {}, header = {}) =>
        identity.token(
          {},
          { aud: deviceAudience, sub: deviceId, email: undefined, roles: undefined, ...claims },
          { typ: deviceTokenType, ...header },
        ),
      gateway: () => scrape(gateway),
      analytics: () => scrape(analytics),
      heard: async () => {
        for (const { content } of await broker.messages('ears')) {
          const { id, body } = JSON.parse(content.toString()) as { id: string; body: { items: unknown[] } };
          frames += body.items.length;
          heard.set(id, body.items.length);
        }
        return { frames, distinct: heard.values().reduce((sum, items) => sum + items, 0) };
      },
      kill: async () => void (await gateway.end('SIGKILL')),
      restart: async () => {
        gateway = await start();
        await gateway.ready();
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

export const deviceName = (): string => `device-${randomUUIDv7().slice(-12)}`;

async function scrape(service: ServiceProcess): Promise<Series> {
  if (service.gone) throw new Error(`a service has ended:\n${service.lines.slice(-20).join('\n')}`);
  const response = await fetch(`${service.url}/metrics`, { signal: AbortSignal.timeout(10_000) });
  const series = new Map<string, number>();
  for (const line of (await response.text()).split('\n')) {
    const match = /^([a-zA-Z_]+)(?:\{(.*)\})? ([0-9.e+-]+)$/.exec(line);
    if (match === null) continue;
    const labels = (match[2] ?? '').split(',').filter((label) => !/^(?:service=|instance=|$)/.test(label));
    series.set(labels.length === 0 ? match[1]! : `${match[1]}{${labels.toSorted().join(',')}}`, Number(match[3]));
  }
  return series;
}

/** The value of one series, 0 where there is none. */
export const valueOf = (series: Series, name: string): number => series.get(name) ?? 0;

/** All series of one metric. */
export const seriesOf = (series: Series, metric: string): [string, number][] =>
  [...series].filter(([name]) => name === metric || name.startsWith(`${metric}{`));

/** The sum of a metric's series, of those that have `label` (`reason="expired"`) where one is given. */
export const sumOf = (series: Series, metric: string, label = ''): number =>
  seriesOf(series, metric).reduce((sum, [name, value]) => sum + (name.includes(label) ? value : 0), 0);

/** By how much each number has grown. */
export const grownBy = <Name extends string>(
  after: Record<Name, number>,
  before: Record<Name, number>,
): Record<Name, number> =>
  Object.fromEntries((Object.keys(after) as Name[]).map((name) => [name, after[name] - before[name]])) as Record<
    Name,
    number
  >;

/** How long metrics are waited for: a gateway reports once a second, and a machine may be held up. */
export const patienceMs = 20_000;
const lookEveryMs = 150;

/**
 * Looks until every number is what it is expected to be; resolves to a sentence about each that is not when patience is
 * over. `counters` never fall: one that is above what is expected is wrong at once.
 */
export async function reach(
  promise: string,
  read: () => Promise<Record<string, number>>,
  expected: Record<string, number>,
  { counters = false, withinMs = patienceMs }: { counters?: boolean; withinMs?: number } = {},
): Promise<string[]> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const seen = await read();
    const wrong = Object.entries(expected).filter(([name, value]) => seen[name] !== value);
    const isLost = counters && wrong.some(([name, value]) => (seen[name] ?? 0) > value);
    if (wrong.length === 0) return [];
    if (isLost || performance.now() > deadline)
      return wrong.map(([name, value]) => `${promise}: ${name} is ${seen[name]} instead of ${value}`);
    await pause(lookEveryMs);
  }
}

/** Resolves when analytics has dealt with another report of the gateway's: nothing it says anew may change an exact sum. */
export async function nextReport(bench: GatewayBench): Promise<void> {
  const dealtWith = async (): Promise<number> =>
    sumOf(await bench.analytics(), 'messages_consumed_total', 'queue="analytics.counts"');
  const before = await dealtWith();
  await until('another report', async () => (await dealtWith()) > before);
}

export const pause = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));
