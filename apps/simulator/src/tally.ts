/** What one thread has seen, and how what several have seen adds up. */
import { rejectionReasons, type RejectionReason } from '@ballast/contracts';
import { Type, type Static } from 'typebox';
import { Latencies } from './latency.ts';

const Count = Type.Integer({ minimum: 0 });
const Counts = Type.Object({
  buckets: Type.Array(Type.Tuple([Count, Count]), { maxItems: 1_000 }),
  maxMs: Type.Number({ minimum: 0 }),
});

/** A tally at a moment, as it is handed from thread to thread and from process to process. */
export const Snapshot = Type.Object({
  /** Devices that have what they need. */
  prepared: Count,
  /** Devices whose first round has begun. */
  begun: Count,
  /** Sessions open now. */
  sessions: Count,
  attempts: Count,
  accepted: Count,
  rejected: Type.Record(Type.String(), Count),
  /** Of those rejected for `over_capacity`, the connections that were closed without a word. */
  cut: Count,
  telemetry: Type.Object({ sent: Count, acknowledged: Count }),
  /** Rounds by scenario and outcome. */
  rounds: Type.Record(Type.String(), Type.Record(Type.String(), Count)),
  latencies: Type.Object({ accepted: Counts, pong: Counts, ack: Counts, revoked: Counts }),
});
export type Snapshot = Static<typeof Snapshot>;
export type LatencyName = keyof Snapshot['latencies'];
export const latencyNames = ['accepted', 'pong', 'ack', 'revoked'] as const satisfies LatencyName[];

/** Outcomes of a scenario that are told apart; the rest is `something else`. */
const outcomesToldApart = 30;

export class Tally {
  prepared = 0;
  begun = 0;
  sessions = 0;
  accepted = 0;
  cut = 0;
  sent = 0;
  acknowledged = 0;
  readonly latencies = {
    accepted: new Latencies(),
    pong: new Latencies(),
    ack: new Latencies(),
    revoked: new Latencies(),
  };
  readonly #rejected = new Map<string, number>();
  readonly #rounds = new Map<string, Map<string, number>>();

  accept(latencyMs: number): void {
    this.accepted += 1;
    this.sessions += 1;
    this.latencies.accepted.add(latencyMs);
  }

  reject(reason: RejectionReason, times = 1): void {
    this.#rejected.set(reason, (this.#rejected.get(reason) ?? 0) + times);
  }

  /** A round of `scenario` is over. */
  round(scenario: string, outcome: string, times = 1): void {
    const outcomes = this.#rounds.get(scenario) ?? new Map<string, number>();
    this.#rounds.set(scenario, outcomes);
    const known = outcomes.has(outcome) || outcomes.size < outcomesToldApart ? outcome : 'something else';
    outcomes.set(known, (outcomes.get(known) ?? 0) + times);
  }

  add(other: Snapshot): void {
    this.prepared += other.prepared;
    this.begun += other.begun;
    this.sessions += other.sessions;
    this.accepted += other.accepted;
    this.cut += other.cut;
    this.sent += other.telemetry.sent;
    this.acknowledged += other.telemetry.acknowledged;
    for (const reason of rejectionReasons) this.reject(reason, other.rejected[reason] ?? 0);
    for (const [scenario, outcomes] of Object.entries(other.rounds))
      for (const [outcome, times] of Object.entries(outcomes)) this.round(scenario, outcome, times);
    for (const name of latencyNames) this.latencies[name].merge(other.latencies[name]);
  }

  snapshot(): Snapshot {
    const { prepared, begun, sessions, accepted, cut, sent, acknowledged, latencies } = this;
    const rejected = Object.fromEntries([...this.#rejected].filter(([, count]) => count > 0));
    const refused = Object.values(rejected).reduce((sum, count) => sum + count, 0);
    return {
      prepared,
      begun,
      sessions,
      attempts: accepted + refused,
      accepted,
      rejected,
      cut,
      telemetry: { sent, acknowledged },
      rounds: Object.fromEntries([...this.#rounds].map(([name, outcomes]) => [name, Object.fromEntries(outcomes)])),
      latencies: {
        accepted: latencies.accepted.counts(),
        pong: latencies.pong.counts(),
        ack: latencies.ack.counts(),
        revoked: latencies.revoked.counts(),
      },
    };
  }
}

/** All of them together. */
export function sumOf(snapshots: readonly Snapshot[]): Snapshot {
  const tally = new Tally();
  for (const snapshot of snapshots) tally.add(snapshot);
  return tally.snapshot();
}
