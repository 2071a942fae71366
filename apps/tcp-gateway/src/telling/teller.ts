/**
 * What the mesh is told of this gateway: telemetry, lifecycle events, and once a second what was counted. And what its other
 * processes are told: whose sessions have begun here.
 */
import { randomUUIDv7 } from 'node:crypto';
import type { DeviceEvent, DeviceSessions, DeviceTelemetry } from '@ballast/contracts';
import { declareFailPoints, failPoint } from '@ballast/faults';
import type { Counts } from '../domain/counts.ts';
import type { Broker, Told } from './broker.ts';
import { Lane } from './lane.ts';

declareFailPoints({
  'gateway.before-report': 'what was counted is about to be told',
  'gateway.before-last-report': 'the end: all sockets are closed, the last report is about to be told',
});

export type TelemetryItem = DeviceTelemetry['items'][number];
export type SessionItem = DeviceSessions['items'][number];

export interface Teller {
  telemetry: (item: TelemetryItem, bytes: number) => void;
  event: (event: DeviceEvent) => void;
  /** Tells the other processes that a session has begun. */
  session: (item: SessionItem) => void;
  /** Items that wait for the broker. */
  waiting: () => { telemetry: number; events: number; sessions: number };
  start(): void;
  /** Tells what is left and then the last report; five seconds at most. */
  finish(): Promise<void>;
}

const reportEveryMs = 1_000;
const flushMs = 3_500;
const lastReportMs = 1_500;
const telemetryInFlight = 8;
const eventsInFlight = 4;
const sessionsInFlight = 4;
/** About what an event takes, in bytes. */
const eventBytes = 512;
/** About what a session takes, in bytes. */
const sessionBytes = 128;

export function createTeller(options: {
  gateway: string;
  epoch: string;
  counts: Counts;
  broker: Pick<Broker, 'envelope' | 'publish'>;
  /** `sessionItems`: twice the sessions there may be, so that there is room for all of them and as many that come meanwhile. */
  limits: { telemetryItems: number; telemetryBytes: number; eventItems: number; sessionItems: number };
  /** The other processes may not have been told of some session: `session` is to be called for each there is. */
  onSessionsMissed: () => void;
  onError: (what: string, error: unknown) => void;
}): Teller {
  const { gateway, epoch, counts, broker, limits, onSessionsMissed, onError } = options;

  const sender =
    <Type extends 'DeviceEvents' | 'DeviceTelemetry' | 'DeviceSessions'>(type: Type) =>
    (items: Told[Type]['items']): (() => Promise<void>) => {
      const message = broker.envelope(type, { gateway, epoch, items } as Told[Type]);
      return () => broker.publish(message);
    };
  const telemetry = new Lane<TelemetryItem>({
    limits: { items: limits.telemetryItems, bytes: limits.telemetryBytes },
    inFlight: telemetryInFlight,
    batch: sender('DeviceTelemetry'),
    onTold: (items) => void (counts.telemetry.told += items),
    onDropped: (items) => void (counts.telemetry.dropped += items),
    onError: (error) => onError('telemetry was not told', error),
  });
  const events = new Lane<DeviceEvent>({
    limits: { items: limits.eventItems, bytes: limits.eventItems * eventBytes },
    inFlight: eventsInFlight,
    batch: sender('DeviceEvents'),
    onTold: (items) => void (counts.events.told += items),
    onDropped: (items) => void (counts.events.dropped += items),
    onError: (error) => onError('events were not told', error),
  });
  let missed = false;
  const sessions = new Lane<SessionItem>({
    limits: { items: limits.sessionItems, bytes: limits.sessionItems * sessionBytes },
    inFlight: sessionsInFlight,
    batch: sender('DeviceSessions'),
    onTold: () => {
      if (!missed || sessions.waiting > 0) return;
      missed = false;
      onSessionsMissed();
    },
    onDropped: () => {
      missed = true;
    },
    onError: (error) => onError('sessions were not told to other gateways', error),
  });

  let seq = 0;
  let reporting: Promise<void> | undefined;
  let timer: NodeJS.Timeout | undefined;

  const report = async (last: boolean): Promise<void> => {
    if (last) await failPoint('gateway.before-last-report');
    else await failPoint('gateway.before-report');
    seq += 1;
    const counted = counts.report({ gateway, epoch, seq, at: new Date().toISOString(), last });
    await broker.publish(broker.envelope('GatewayCounted', counted));
  };
  /** One at a time: with a broker that does not answer, the next one says all that the lost ones did. */
  const tick = (): void => {
    reporting ??= report(false)
      .catch((error: unknown) => onError('a report was not told', error))
      .finally(() => {
        reporting = undefined;
      });
  };

  return {
    telemetry: (item, bytes) => telemetry.add(item, bytes),
    event: (event) => events.add(event, eventBytes),
    session: (item) => sessions.add(item, sessionBytes),
    waiting: () => ({ telemetry: telemetry.waiting, events: events.waiting, sessions: sessions.waiting }),
    start: () => {
      timer = setInterval(tick, reportEveryMs);
      tick();
    },
    finish: async () => {
      clearInterval(timer);
      await Promise.all([telemetry.finish(flushMs), events.finish(flushMs), sessions.finish(flushMs)]);
      let impatience: NodeJS.Timeout | undefined;
      const limit = new Promise<never>((_, reject) => {
        impatience = setTimeout(() => reject(new Error(`no confirm within ${lastReportMs} ms`)), lastReportMs);
      });
      try {
        await Promise.race([report(true), limit]);
      } catch (error) {
        onError('the last report was not told', error);
      } finally {
        clearTimeout(impatience);
      }
    },
  };
}

/** A name for this process that no other has ever had. */
export const newEpoch = (): string => randomUUIDv7();
