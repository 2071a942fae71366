/** The replicas of one service: keep-alive connections to each, taken in turn, leaving out those that just refused. */
import { Pool } from 'undici';

/** Milliseconds within which a connection must be made. */
const connectTimeoutMs = 500;
/** Connections to one replica; calls beyond wait for a free one. */
const maxConnections = 64;

export class Replica {
  readonly origin: string;
  /** For calls that end. */
  readonly pool: Pool;
  /** For streams: each has a connection of its own, so that calls never queue behind them. Closed with the stream. */
  readonly streams: Pool;
  #avoidUntil = 0;

  constructor(origin: string) {
    this.origin = origin;
    // Time limits are the calls' own: one timer a call instead of the client's two, and queueing counts.
    const options = { connect: { timeout: connectTimeoutMs }, headersTimeout: 0, bodyTimeout: 0 };
    this.pool = new Pool(origin, { ...options, connections: maxConnections });
    this.streams = new Pool(origin, { ...options, pipelining: 0 });
  }

  /** Leaves it out for a while, as long as there is another one. */
  avoid(milliseconds: number): void {
    this.#avoidUntil = performance.now() + milliseconds;
  }

  isAvoided(now: number): boolean {
    return this.#avoidUntil > now;
  }
}

export class Replicas {
  readonly all: readonly Replica[];
  #turn: number;

  constructor(origins: readonly string[]) {
    this.all = origins.map((origin) => new Replica(origin));
    // Several bffs that start together should not all begin with the same replica.
    this.#turn = Math.floor(Math.random() * this.all.length);
  }

  /**
   * The next in turn that is not avoided; the next in turn where all are. With `subject` it is always the same one for
   * the same subject, as long as that is not avoided: its cache is warm, and readers never fall back to an older version.
   */
  next(subject?: string): Replica {
    const count = this.all.length;
    const now = count === 1 ? 0 : performance.now();
    const first = subject === undefined ? (this.#turn + 1) % count : placeOf(subject, count);
    for (let step = 0; step < count; step += 1) {
      const place = (first + step) % count;
      const replica = this.all[place]!;
      if (replica.isAvoided(now)) continue;
      if (subject === undefined) this.#turn = place;
      return replica;
    }
    // Where all are avoided one may be back: each is tried in its turn.
    this.#turn = (this.#turn + 1) % count;
    return this.all[this.#turn]!;
  }

  /** Whether some replica other than `except` may be tried at once. */
  hasUsable(except?: Replica): boolean {
    const now = performance.now();
    return this.all.some((replica) => replica !== except && !replica.isAvoided(now));
  }

  /** Ends all connections; what is in flight fails. */
  async close(): Promise<void> {
    await Promise.all(this.all.flatMap(({ pool, streams }) => [pool.destroy(), streams.destroy()]));
  }
}

/** Spreads subjects evenly; FNV-1a, which is enough for that. */
function placeOf(subject: string, count: number): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < subject.length; index += 1)
    hash = Math.imul(hash ^ subject.charCodeAt(index), 0x01000193);
  return (hash >>> 0) % count;
}
