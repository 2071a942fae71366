/** What the gateway's component tests share: a gateway on real parts, and devices on real sockets. */
import assert from 'node:assert/strict';
import { randomUUIDv7 } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import {
  deviceAudience,
  deviceTokenType,
  DeviceEvents,
  DeviceTelemetry,
  GatewayCounted,
  type DeviceEvent,
  type GatewayFrame,
} from '@ballast/contracts';
import { configureFaults } from '@ballast/faults';
import { createMetrics } from '@ballast/service';
import {
  recordingLogger,
  testBroker,
  testIdentity,
  until,
  type LogEntry,
  type TestBroker,
  type TestIdentity,
} from '@ballast/testing';
import { Compile } from 'typebox/compile';
import { buildApp, type GatewayApp } from '../src/app.ts';
import type { Config } from '../src/config.ts';

/** A device on a socket. */
export class Device {
  readonly socket: Socket;
  readonly frames: GatewayFrame[] = [];
  /** Set once the socket is gone. */
  gone = false;
  #rest = '';

  constructor(socket: Socket) {
    this.socket = socket;
    socket.setNoDelay(true);
    socket.setEncoding('utf8');
    socket.on('data', (text: string) => {
      const lines = (this.#rest + text).split('\n');
      this.#rest = lines.pop()!;
      for (const line of lines) this.frames.push(JSON.parse(line) as GatewayFrame);
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      this.gone = true;
    });
  }

  static async connect(port: number): Promise<Device> {
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    return new Device(socket);
  }

  say(...frames: unknown[]): void {
    this.socket.write(frames.map((frame) => `${JSON.stringify(frame)}\n`).join(''));
  }

  /** The first frame of this type. */
  async heard<Type extends GatewayFrame['type']>(type: Type): Promise<Extract<GatewayFrame, { type: Type }>> {
    const is = (frame: GatewayFrame): frame is Extract<GatewayFrame, { type: Type }> => frame.type === type;
    return until(`${type} among ${JSON.stringify(this.frames)}`, () => this.frames.find(is));
  }

  async end(): Promise<void> {
    this.socket.destroy();
    await until('the socket is gone', () => this.gone);
  }

  /** Waits for the gateway to close it. */
  async closed(): Promise<void> {
    await until('the gateway closes the socket', () => this.gone);
  }
}

const checks = {
  GatewayCounted: Compile(GatewayCounted),
  DeviceEvents: Compile(DeviceEvents),
  DeviceTelemetry: Compile(DeviceTelemetry),
};

/** What a gateway has told, as it arrived at the broker; every body is held against its contract. */
export interface Told {
  reports: GatewayCounted[];
  events: DeviceEvent[];
  telemetry: DeviceTelemetry['items'];
  /** Ids of messages, repetitions included. */
  ids: string[];
}

export interface RunningGateway extends GatewayApp {
  /** Its instance. */
  name: string;
  port: number;
  url: string;
  entries: LogEntry[];
  complaints: LogEntry[];
  device(): Promise<Device>;
  /** A device that is let in. */
  session(deviceId?: string, claims?: Record<string, unknown>): Promise<Device>;
  stop(): Promise<void>;
}

export interface Bench {
  identity: TestIdentity;
  broker: TestBroker;
  environment: Record<string, string>;
  /** A device's token; claims and header override what a good one has. */
  token(deviceId?: string, claims?: Record<string, unknown>, header?: Record<string, unknown>): string;
  start(settings?: Partial<Config>): Promise<RunningGateway>;
  /** Everything told so far, by whichever gateway. */
  told(): Promise<Told>;
  close(): Promise<void>;
}

export const deviceName = (): string => `device-${randomUUIDv7().slice(-12)}`;

/** Opens a bench on which no gateway runs yet. */
export async function openBench({ lab = false } = {}): Promise<Bench> {
  configureFaults({ labMode: lab, faults: '' });
  const identity = await testIdentity();
  const broker = await testBroker();
  await broker.listen('ears', ['GatewayCounted', 'DeviceEvents', 'DeviceTelemetry']);
  const running: RunningGateway[] = [];
  const told: Told = { reports: [], events: [], telemetry: [], ids: [] };
  const environment = {
    AMQP_URL: broker.url,
    MESSAGING_NAMESPACE: broker.namespace,
    IDENTITY_URL: identity.url,
  };
  const token: Bench['token'] = (deviceId = deviceName(), claims = {}, header = {}) =>
    identity.token(
      {},
      { aud: deviceAudience, sub: deviceId, email: undefined, roles: undefined, ...claims },
      { typ: deviceTokenType, ...header },
    );
  return {
    identity,
    broker,
    environment,
    token,
    start: async (settings) => {
      const config: Config = { ...defaults, ...environment, INSTANCE: `gateway-${running.length + 1}`, ...settings };
      const { logger, entries, complaints } = recordingLogger();
      const metrics = createMetrics({ service: 'tcp-gateway', instance: config.INSTANCE });
      const app = await buildApp({ config, logger, metrics });
      await app.server.listen({ host: '127.0.0.1', port: 0 });
      await app.start?.();
      const { port } = app.gateway;
      let stopped: Promise<void> | undefined;
      const stop = async (): Promise<void> => {
        app.server.startDraining();
        await app.quiesce?.();
        await app.server.close();
        await app.stop?.();
      };
      const gateway: RunningGateway = {
        ...app,
        name: config.INSTANCE,
        port,
        url: app.server.listeningOrigin,
        entries,
        complaints,
        device: () => Device.connect(port),
        session: async (deviceId, claims) => {
          const device = await Device.connect(port);
          device.say({ type: 'auth', token: token(deviceId, claims) });
          await device.heard('accepted');
          return device;
        },
        stop: () => (stopped ??= stop()),
      };
      running.push(gateway);
      return gateway;
    },
    told: async () => {
      for (const { content } of await broker.messages('ears')) {
        const message = JSON.parse(content.toString()) as { id: string; type: keyof typeof checks; body: unknown };
        const check = checks[message.type];
        const [error] = check.Errors(message.body);
        assert.equal(check.Check(message.body), true, `${message.type}: ${JSON.stringify(error)}`);
        told.ids.push(message.id);
        if (message.type === 'GatewayCounted') told.reports.push(message.body as GatewayCounted);
        else if (message.type === 'DeviceEvents') told.events.push(...(message.body as DeviceEvents).items);
        else told.telemetry.push(...(message.body as DeviceTelemetry).items);
      }
      return told;
    },
    close: async () => {
      for (const gateway of running) await gateway.stop();
      await broker.clean([]);
      await identity.close();
      configureFaults({ labMode: false, faults: '' });
    },
  };
}

const defaults: Omit<Config, 'AMQP_URL' | 'IDENTITY_URL' | 'INSTANCE'> = {
  HOST: '127.0.0.1',
  PORT: 0,
  LOG_LEVEL: 'info',
  LAB_MODE: '0',
  FAULTS: '',
  DEFECTS: '',
  TCP_PORT: 0,
  TCP_REUSE_PORT: '0',
  MESSAGING_NAMESPACE: 'ballast',
  AUTH_DEADLINE_MS: 5_000,
  HEARTBEAT_SECONDS: 30,
  MAX_CONNECTIONS: 25_000,
  MAX_CONNECTIONS_PER_ADDRESS: 25_000,
  MAX_UNAUTHENTICATED: 2_000,
  DEVICE_ATTEMPTS_BURST: 20,
  DEVICE_ATTEMPTS_PER_MINUTE: 60,
  WRITE_BUFFER_BYTES: 16_384,
  STALL_LIMIT_MS: 10_000,
  TELEMETRY_QUEUE_ITEMS: 50_000,
  TELEMETRY_QUEUE_BYTES: 33_554_432,
  EVENT_QUEUE_ITEMS: 20_000,
};

export const telemetry = (readings: Record<string, unknown> = { temperature: 21.5 }) => ({
  type: 'telemetry',
  sentAt: '2026-11-21T09:12:23.123Z',
  readings,
});
