/** The gateway's own metrics. Labels are reasons and outcomes only: nothing that a stranger could make up. */
import { rejectionReasons, type ClosingReason } from '@ballast/contracts';
import type { Metrics } from '@ballast/service';
import type { Counts, EndReason, Witness } from './domain/counts.ts';

const endReasons = [
  'replaced',
  'expired',
  'revoked',
  'idle',
  'shutdown',
  'protocol',
  'overload',
  'gone',
] as const satisfies readonly (ClosingReason | 'gone')[];

export interface Measures extends Witness {
  /** From connecting to being let in, in ms. */
  handshake: (milliseconds: number) => void;
}

/** Registers the metrics that are counted as they happen. */
export function createMeasures(metrics: Metrics): Measures {
  const attempts = metrics.counter('gateway_attempts_total', 'Attempts to be let in.');
  const accepted = metrics.counter('gateway_accepted_total', 'Devices let in.');
  const rejected = metrics.counter('gateway_rejected_total', 'Devices not let in.', ['reason']);
  const ended = metrics.counter('gateway_sessions_ended_total', 'Sessions that ended.', ['reason']);
  const handshake = metrics.histogram('gateway_handshake_seconds', 'From connecting to being let in.');
  const ofReason = new Map(rejectionReasons.map((reason) => [reason, rejected.labels({ reason })]));
  const ofEnd = new Map<EndReason, { inc(): void }>(endReasons.map((reason) => [reason, ended.labels({ reason })]));
  for (const reason of rejectionReasons) rejected.inc({ reason }, 0);
  for (const reason of endReasons) ended.inc({ reason }, 0);
  return {
    attempt: () => attempts.inc(),
    accepted: () => accepted.inc(),
    rejected: (reason) => ofReason.get(reason)?.inc(),
    ended: (reason) => ofEnd.get(reason)?.inc(),
    handshake: (milliseconds) => handshake.observe(milliseconds / 1_000),
  };
}

/** Registers what is looked up at each scrape. */
export function showState(
  metrics: Metrics,
  counts: Counts,
  state: { unauthenticated: () => number; waiting: () => { telemetry: number; events: number; sessions: number } },
): void {
  metrics.gauge('gateway_connections', 'Sockets open now.', [], (gauge) => gauge.set(counts.connections));
  metrics.gauge('gateway_sessions', 'Devices let in now.', [], (gauge) => gauge.set(counts.sessions));
  metrics.gauge('gateway_unauthenticated', 'Connections not let in yet.', [], (gauge) =>
    gauge.set(state.unauthenticated()),
  );
  metrics.gauge('gateway_queue_items', 'Items that wait for the broker.', ['kind'], (gauge) => {
    for (const [kind, items] of Object.entries(state.waiting())) gauge.set({ kind }, items);
  });
  // A gauge of a counter's kind: the counts are the truth, and are only shown here.
  metrics.gauge(
    'gateway_items',
    'Items since the start, by kind and what became of them.',
    ['kind', 'outcome'],
    (gauge) => {
      for (const [outcome, items] of Object.entries(counts.telemetry)) gauge.set({ kind: 'telemetry', outcome }, items);
      for (const [outcome, items] of Object.entries(counts.events)) gauge.set({ kind: 'events', outcome }, items);
    },
  );
}
