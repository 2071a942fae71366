/** Part 1: as many idle sessions as one gateway process can hold. What they weigh, and whether others still get in beside them. */
import { quantile } from '../lone-bff.ts';
import type { GuaranteeReport } from '../report.ts';
import { deviceName, patienceMs, pause, reach, valueOf, type GatewayBench, type Series } from './bench.ts';
import { startCrew, together } from './crew.ts';
import { unexpectedEnds } from './ends.ts';
import { compare, probe, round } from './probe.ts';

export interface IdleSize {
  /** Sessions; fewer where the gateway's process may not have so many descriptors. */
  sessions: number;
  /** How long they stay, in ms. */
  staying: number;
  /** Devices that come by before and meanwhile. */
  probes: number;
}

/** Descriptors of a gateway that are no sessions: its listeners, its own connections, and some for those that come by. */
const otherDescriptors = 100;
/** In each of the processes that the devices are spread over. */
const sessionsAtCrew = 10_000;
const comingAtOnce = 50;
/** What a session may weigh before it counts as a leak, in bytes, and how long others may take to get in beside them, in ms. */
const heaviestBytes = 32_768;
const slowestMs = 1_000;
/** Asked of so many only: the weight of a few drowns in what is collected late, and a small run shares its machine. */
const weighable = 5_000;
const lookEveryMs = 500;

/** Runs it. */
export async function holdIdle(
  bench: GatewayBench,
  size: IdleSize,
  options: { apart: boolean; heartbeatSeconds: number },
): Promise<GuaranteeReport> {
  const limit = descriptorLimit();
  const sessions = Math.min(size.sessions, limit - otherDescriptors);
  const crews = await Promise.all(
    Array.from({ length: Math.ceil(sessions / sessionsAtCrew) }, () => startCrew(bench.port, options.apart)),
  );
  try {
    const tokens = Array.from({ length: sessions }, () => bench.token(deviceName()));
    // The first ones come to a process that has compiled nothing yet.
    await probe(bench, { times: size.probes, quiet: true });
    const before = await probe(bench, { times: size.probes, quiet: true });
    const lean = await lightest(bench, Math.min(size.staying, 3_000));
    const joining = performance.now();
    const share = Math.ceil(sessions / crews.length);
    await Promise.all(
      crews.map(async (crew, place) => {
        await crew.pingEvery((options.heartbeatSeconds * 1_000) / 3);
        await crew.join(tokens.slice(place * share, (place + 1) * share), comingAtOnce);
      }),
    );
    const joinedInMs = performance.now() - joining;
    const violations = await reach(
      'the gauge equals the live sessions',
      async () => connected(await bench.analytics()),
      { active_sessions: sessions, active_connections_total: sessions },
    );
    const heavy = await lightest(bench, size.staying);
    const during = await probe(bench, { times: size.probes, quiet: true });
    const tally = together(await Promise.all(crews.map((crew) => crew.tally())));
    if (tally.accepted !== sessions) violations.push(`idle sessions: ${JSON.stringify(tally.refused)} were not let in`);
    violations.push(...unexpectedEnds('idle sessions stay', tally, options.heartbeatSeconds));
    await Promise.all(crews.map((crew) => crew.leave()));
    violations.push(
      ...(await reach(
        'nothing is left of sessions that are over',
        async () => ({ connections: valueOf(await bench.gateway(), 'gateway_connections') }),
        { connections: 0 },
      )),
    );
    const [resident, heap] = [(heavy.resident - lean.resident) / sessions, (heavy.heap - lean.heap) / sessions];
    if (sessions >= weighable && resident > heaviestBytes)
      violations.push(`a session weighs little: ${Math.round(resident)} bytes each`);
    const slowest = Math.max(...during.felt.handshake);
    if (sessions >= weighable && slowest > slowestMs)
      violations.push(`others get in beside idle sessions: one took ${Math.round(slowest)} ms`);
    const compared = compare('besideIdleHandshake', before.felt.handshake, during.felt.handshake, undefined);
    return {
      figures: {
        ...(Number.isFinite(limit) ? { descriptorLimit: limit } : {}),
        idleSessions: sessions,
        idleJoinedPerSecond: Math.round((sessions / joinedInMs) * 1_000),
        idleResidentBytesEach: Math.round(resident),
        idleHeapBytesEach: Math.round(heap),
        scrapeP50MsBefore: round(quantile(lean.scrapes, 0.5)),
        scrapeP50MsBesideIdle: round(quantile(heavy.scrapes, 0.5)),
        gatewayResidentMiB: round(heavy.resident / 1_048_576),
        ...compared.figures,
      },
      violations,
    };
  } finally {
    await Promise.all(crews.map((crew) => crew.close()));
  }
}

/** What analytics says about who is connected. */
export const connected = (series: Series): Record<'active_sessions' | 'active_connections_total', number> => ({
  active_sessions: valueOf(series, 'active_sessions'),
  active_connections_total: valueOf(series, 'active_connections_total'),
});

interface Weight {
  /** In bytes. */
  resident: number;
  heap: number;
  /** How long the gateway takes to say so, in ms, each time. */
  scrapes: number[];
}

/** The least that the gateway was seen to weigh in some time: what is garbage goes sooner or later. */
async function lightest(bench: GatewayBench, lasting: number): Promise<Weight> {
  const least: Weight = { resident: Number.POSITIVE_INFINITY, heap: Number.POSITIVE_INFINITY, scrapes: [] };
  const until = performance.now() + Math.min(lasting, patienceMs * 3);
  do {
    const asked = performance.now();
    const series = await bench.gateway();
    least.scrapes.push(performance.now() - asked);
    least.resident = Math.min(least.resident, valueOf(series, 'process_resident_memory_bytes'));
    least.heap = Math.min(least.heap, valueOf(series, 'nodejs_heap_size_used_bytes'));
    await pause(Math.min(lookEveryMs, lasting));
  } while (performance.now() < until);
  return least;
}

/** Descriptors that a process of ours may have; the ones it starts may have as many. */
function descriptorLimit(): number {
  const { userLimits } = process.report.getReport() as { userLimits?: { open_files?: { soft: number | string } } };
  const soft = Number(userLimits?.open_files?.soft);
  return Number.isNaN(soft) ? Number.POSITIVE_INFINITY : soft;
}
