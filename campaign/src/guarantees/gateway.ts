/**
 * Guarantee 12: silent sockets are closed in 5 s, half-open ones in 30 s; with the broker gone latency does not change and
 * what is dropped is counted; the gauge equals the live sessions.
 *
 * A real gateway and a real analytics, and devices on real sockets, in five parts: idle sessions by the thousand, hostile
 * sockets, a broker that stands still, a gateway that is killed, and strangers under made-up names.
 */
import { openGatewayBench, type GatewayBench } from './gateway/bench.ts';
import { freezeBroker, type FrozenSize } from './gateway/frozen.ts';
import { sufferHostile, type HostileSize } from './gateway/hostile.ts';
import { holdIdle, type IdleSize } from './gateway/idle.ts';
import { killGateway, type KilledSize } from './gateway/killed.ts';
import type { Noise } from './gateway/probe.ts';
import { meetStrangers, type StrangersSize } from './gateway/strangers.ts';
import type { GuaranteeReport } from './report.ts';

export interface GatewaySize {
  /** Parts that are not named are left out. */
  idle?: IdleSize;
  hostile?: HostileSize;
  frozen?: FrozenSize;
  strangers?: StrangersSize;
  killed?: KilledSize;
  authDeadlineMs: number;
  heartbeatSeconds: number;
  /** Frames that the gateway keeps for a broker that is away. */
  queueItems: number;
  /** How much later than in time a silent socket may be gone, in ms. */
  slackMs: number;
  /** How much slower answers may be than before; not judged where nothing is said: a small run shares its machine. */
  noise?: Noise;
  /** Devices are in processes of their own. */
  apart: boolean;
  /** The killed gateway is another one, beside the other parts. */
  sideBySide: boolean;
  /** Defects to plant in gateway and analytics, comma separated. */
  defects?: string;
}

/** What is promised, in the size that it is promised for. Takes about four minutes on two cores. */
export const fullSize: GatewaySize = {
  idle: { sessions: 20_000, staying: 30_000, probes: 200 },
  hostile: { honest: 1_000, pingEveryMs: 1_000, dripping: 500, blackHoled: 200, calm: 15_000 },
  frozen: { devices: 2_000, framesPerSecond: 2_000, probes: 200, before: 30_000, frozen: 30_000 },
  strangers: { handshakes: 10_000 },
  killed: { sessions: 2_000, gaugeWithinMs: 15_000 },
  authDeadlineMs: 5_000,
  heartbeatSeconds: 30,
  queueItems: 10_000,
  slackMs: 1_000,
  noise: { factor: 2, floorMs: 5 },
  apart: true,
  sideBySide: false,
};

/** Connections that nobody knows yet: the storm of the kill is as large as it can be. */
const unauthenticated = 10_000;

/** Runs it and judges it; needs PostgreSQL and RabbitMQ (TEST_…_URL). Whatever it starts is gone at the end. */
export async function checkGateway(size: GatewaySize): Promise<GuaranteeReport> {
  const { idle, hostile, frozen, strangers, killed } = size;
  const calm: Part[] = [];
  const deadly: Part[] = [];
  if (idle !== undefined) calm.push((bench) => holdIdle(bench, idle, size));
  if (hostile !== undefined) calm.push((bench) => sufferHostile(bench, hostile, { noise: undefined, ...size }));
  if (frozen !== undefined) calm.push((bench) => freezeBroker(bench, frozen, { noise: undefined, ...size }));
  if (strangers !== undefined) calm.push((bench) => meetStrangers(bench, strangers, size));
  if (killed !== undefined) deadly.push((bench) => killGateway(bench, killed, size));
  // Those who come after the kill say nothing: only a heartbeat as long as the promised one leaves them be.
  const patient = { ...size, heartbeatSeconds: Math.max(size.heartbeatSeconds, fullSize.heartbeatSeconds) };
  const reports = size.sideBySide
    ? (await Promise.all([perform(size, calm), perform(patient, deadly)])).flat()
    : [...(await perform(size, calm)), ...(await perform(patient, deadly))];
  return {
    figures: Object.assign({}, ...reports.map(({ figures }) => figures)) as Record<string, number>,
    violations: reports.flatMap(({ violations }) => violations),
  };
}

type Part = (bench: GatewayBench) => Promise<GuaranteeReport>;

/** One part after the other on a bench of their own. */
async function perform(size: GatewaySize, parts: readonly Part[]): Promise<GuaranteeReport[]> {
  if (parts.length === 0) return [];
  const bench = await openGatewayBench({
    settings: {
      AUTH_DEADLINE_MS: String(size.authDeadlineMs),
      HEARTBEAT_SECONDS: String(size.heartbeatSeconds),
      TELEMETRY_QUEUE_ITEMS: String(size.queueItems),
      // All devices come from one address.
      MAX_CONNECTIONS_PER_ADDRESS: '100000',
      MAX_UNAUTHENTICATED: String(unauthenticated),
    },
    defects: size.defects ?? '',
  });
  try {
    const reports: GuaranteeReport[] = [];
    for (const part of parts) reports.push(await part(bench));
    return reports;
  } finally {
    await bench.close();
  }
}
