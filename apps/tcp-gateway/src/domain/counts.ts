/** What this process has counted since its start, in the shape in which it is told. Numbers only grow, but for the first two. */
import type { ClosingReason, GatewayCounted, RejectionReason } from '@ballast/contracts';

/** How a session ended: a reason of the gateway's, or `gone` where the device hung up by itself. */
export type EndReason = ClosingReason | 'gone';

/** Devices that are named in the counts of rejections, at most; more would be as many series as strangers wish. */
const namedDevices = 100;

/** Told of what happens, besides being counted. */
export interface Witness {
  attempt(): void;
  accepted(): void;
  rejected(reason: RejectionReason): void;
  ended(reason: EndReason): void;
}

export class Counts {
  connections = 0;
  sessions = 0;
  attempts = 0;
  accepted = 0;
  readonly telemetry = { received: 0, told: 0, dropped: 0 };
  readonly events = { told: 0, dropped: 0 };
  readonly #rejected = new Map<string, { reason: RejectionReason; deviceId: string | null; count: number }>();
  readonly #named = new Set<string>();
  readonly #ended: Partial<Record<EndReason, number>> = {};
  readonly #witness: Witness | undefined;

  constructor(witness?: Witness) {
    this.#witness = witness;
  }

  attempt(): void {
    this.attempts += 1;
    this.#witness?.attempt();
  }

  accept(): void {
    this.accepted += 1;
    this.#witness?.accepted();
  }

  /** `deviceId` only where a token was truly signed for it. */
  reject(reason: RejectionReason, deviceId: string | null): void {
    if (deviceId !== null && this.#named.size < namedDevices) this.#named.add(deviceId);
    const named = deviceId !== null && this.#named.has(deviceId) ? deviceId : null;
    const key = `${reason} ${named ?? ''}`;
    const known = this.#rejected.get(key);
    if (known === undefined) this.#rejected.set(key, { reason, deviceId: named, count: 1 });
    else known.count += 1;
    this.#witness?.rejected(reason);
  }

  end(reason: EndReason): void {
    this.#ended[reason] = (this.#ended[reason] ?? 0) + 1;
    this.#witness?.ended(reason);
  }

  /** All rejections. */
  get rejected(): number {
    let sum = 0;
    for (const { count } of this.#rejected.values()) sum += count;
    return sum;
  }

  /** The report as it stands now. */
  report(header: Pick<GatewayCounted, 'gateway' | 'epoch' | 'seq' | 'at' | 'last'>): GatewayCounted {
    return {
      ...header,
      connections: this.connections,
      sessions: this.sessions,
      attempts: this.attempts,
      accepted: this.accepted,
      rejected: [...this.#rejected.values()].map((entry) => ({ ...entry })),
      ended: { ...this.#ended },
      telemetry: { ...this.telemetry },
      events: { ...this.events },
    };
  }
}
