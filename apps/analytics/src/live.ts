/**
 * Who is connected now: each gateway's own count, as its newest process has told it last, for as long as that process is
 * heard of. Nothing is added or subtracted, so nothing can be missed.
 */
import type { GatewayCounted } from '@ballast/contracts';
import { defect } from '@ballast/faults';

/** How long a gateway counts that is not heard of any more, in ms. It reports once a second. */
const expiryMs = 10_000;
/** Gateways that are remembered; of more, those heard of last. */
const rememberedGateways = 1_000;

/** Of a report, what concerns the moment. */
export type Sighting = Pick<GatewayCounted, 'gateway' | 'epoch' | 'seq' | 'connections' | 'sessions' | 'last'>;

export interface LiveSum {
  gateways: number;
  connections: number;
  sessions: number;
}

export class LiveGateways {
  readonly #now: () => number;
  /** By gateway; the one noted longest ago first. */
  readonly #gateways = new Map<string, Sighting & { heardAt: number }>();

  /** `now` in ms by a clock that is never set. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /**
   * Takes a report that was heard `agoMs` ago. One that is not newer than what is known of its process changes nothing; the
   * process that a gateway was before (epochs are ordered by their start) is not looked at any more, unless all that is
   * known of the one after it is over: a machine's clock may have been set back between two starts.
   */
  note(seen: Sighting, agoMs = 0): void {
    const known = this.#gateways.get(seen.gateway);
    if (known !== undefined) {
      if (seen.epoch === known.epoch ? seen.seq <= known.seq : seen.epoch < known.epoch && this.#isLive(known)) return;
    }
    const { gateway, epoch, seq, sessions, last } = seen;
    // As a gauge would that adds and subtracts and is not told of an end.
    const connections = defect('analytics.gauge-only-rises')
      ? Math.max(seen.connections, known?.connections ?? 0)
      : seen.connections;
    this.#gateways.delete(gateway);
    this.#gateways.set(gateway, { gateway, epoch, seq, connections, sessions, last, heardAt: this.#now() - agoMs });
    const [oldest] = this.#gateways.keys();
    if (this.#gateways.size > rememberedGateways) this.#gateways.delete(oldest!);
  }

  sum(): LiveSum {
    const sum: LiveSum = { gateways: 0, connections: 0, sessions: 0 };
    for (const seen of this.#gateways.values()) {
      if (!this.#isLive(seen)) continue;
      sum.gateways += 1;
      sum.connections += seen.connections;
      sum.sessions += seen.sessions;
    }
    return sum;
  }

  #isLive(seen: Sighting & { heardAt: number }): boolean {
    if (seen.last) return false;
    return this.#now() - seen.heardAt <= expiryMs || defect('analytics.gauge-without-expiry');
  }
}
