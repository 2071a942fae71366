/** What Prometheus is told: what gateways have counted, summed up, and how analytics itself fares. */
import { deviceEvents, rejectionReasons } from '@ballast/contracts';
import type { Metrics } from '@ballast/service';
import type { Refusal } from './counting.ts';
import type { LiveGateways } from './live.ts';
import { endReasons, other, type Series, type SeriesName } from './domain/series.ts';

export interface Measures {
  grown: (series: Series, by: number) => void;
  refused: (refusal: Refusal) => void;
  stored: (events: number) => void;
  frames: (frames: number) => void;
  /** A message of this type was dealt with, which was told at `occurredAt` (RFC 3339). */
  heard: (type: string, occurredAt: string) => void;
}

/** Registers the metrics. */
export function createMeasures(metrics: Metrics, live: LiveGateways): Measures {
  const attempts = metrics.counter('auth_attempts_total', 'Attempts of devices to authenticate.');
  const byGateway = metrics.counter('gateway_auth_attempts_total', 'The same by gateway, 32 of them by name.', [
    'gateway',
  ]);
  const accepted = metrics.counter('auth_success_total', 'Devices let in.');
  const rejected = metrics.counter(
    'auth_failures_total',
    'Connections not let in, by reason; a hundred pairs of reason and verified device by name.',
    ['reason', 'device_id'],
  );
  const ended = metrics.counter('device_sessions_ended_total', 'Sessions that ended; gone: the device hung up.', [
    'reason',
  ]);
  const telemetry = metrics.counter(
    'device_telemetry_total',
    'Telemetry frames that gateways received, told the mesh, and dropped because the broker was slow.',
    ['outcome'],
  );
  const events = metrics.counter(
    'device_events_total',
    'Lifecycle events that gateways told the mesh, and dropped because the broker was slow.',
    ['outcome'],
  );
  for (const reason of rejectionReasons) rejected.inc({ reason, device_id: other }, 0);
  for (const reason of endReasons) ended.inc({ reason }, 0);
  for (const outcome of ['received', 'told', 'dropped']) telemetry.inc({ outcome }, 0);
  for (const outcome of ['told', 'dropped']) events.inc({ outcome }, 0);

  const grow: Record<SeriesName, (series: Series, by: number) => void> = {
    attempts: ({ label }, by) => {
      attempts.inc(by);
      byGateway.inc({ gateway: label }, by);
    },
    accepted: (_series, by) => accepted.inc(by),
    rejected: ({ label, device }, by) => rejected.inc({ reason: label, device_id: device }, by),
    ended: ({ label }, by) => ended.inc({ reason: label }, by),
    telemetry: ({ label }, by) => telemetry.inc({ outcome: label }, by),
    events: ({ label }, by) => events.inc({ outcome: label }, by),
  };

  metrics.gauge('active_connections_total', 'Sockets open at live gateways, by their own count.', [], (gauge) =>
    gauge.set(live.sum().connections),
  );
  metrics.gauge('active_sessions', 'Of these sockets, those that are let in.', [], (gauge) =>
    gauge.set(live.sum().sessions),
  );
  metrics.gauge('live_gateways', 'Gateways heard of within the last ten seconds.', [], (gauge) =>
    gauge.set(live.sum().gateways),
  );

  const refusals = metrics.counter('analytics_reports_refused_total', 'Late reports that could count twice.', [
    'reason',
  ]);
  for (const reason of ['folded', 'too-old'] satisfies Refusal[]) refusals.inc({ reason }, 0);
  const stored = metrics.counter('analytics_events_stored_total', 'Events stored by this process, each once.');
  const frames = metrics.counter('analytics_frames_heard_total', 'Telemetry frames that came, repeated ones again.');
  const lag = metrics.gauge('analytics_lag_seconds', 'Age of the message dealt with last, by type.', ['type']);
  for (const type of Object.keys(deviceEvents)) lag.set({ type }, 0);

  return {
    grown: (series, by) => grow[series.name](series, by),
    refused: (reason) => refusals.inc({ reason }),
    stored: (count) => stored.inc(count),
    frames: (count) => frames.inc(count),
    heard: (type, occurredAt) => lag.set({ type }, Math.max(0, Date.now() - Date.parse(occurredAt)) / 1000),
  };
}
