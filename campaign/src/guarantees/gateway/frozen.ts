/**
 * Part 3: the link to the broker stands still under devices that send telemetry. Who comes meanwhile, pings and is
 * acknowledged feels what it felt before; what is dropped is counted, frame by frame; and what was told has arrived.
 */
import { until } from '@ballast/testing';
import type { GuaranteeReport } from '../report.ts';
import { grownBy, reach, valueOf, type GatewayBench, type Series } from './bench.ts';
import { startCrew } from './crew.ts';
import { answered } from './device.ts';
import { unexpectedEnds } from './ends.ts';
import { connected } from './idle.ts';
import { compare, probe, type Noise } from './probe.ts';

export interface FrozenSize {
  devices: number;
  /** Of all together. */
  framesPerSecond: number;
  /** Devices that come by before, and again while it is frozen; in so many ms. */
  probes: number;
  before: number;
  frozen: number;
}

type Telemetry = Record<'received' | 'told' | 'dropped', number>;

const comingAtOnce = 50;
/** How long the gateway may take to tell what it has kept once the broker is back, in ms. */
const flushedWithinMs = 60_000;

/** Runs it. */
export async function freezeBroker(
  bench: GatewayBench,
  size: FrozenSize,
  options: { apart: boolean; heartbeatSeconds: number; noise: Noise | undefined },
): Promise<GuaranteeReport> {
  const violations: string[] = [];
  const countedBefore = telemetryOf(await bench.gateway());
  const toldBefore = telemetryAtAnalytics(await bench.analytics());
  const crew = await startCrew(bench.port, options.apart);
  try {
    await crew.join(
      Array.from({ length: size.devices }, () => bench.token()),
      comingAtOnce,
    );
    await crew.pingEvery((options.heartbeatSeconds * 1_000) / 3);
    await crew.sendPerSecond(size.framesPerSecond);
    const before = await probe(bench, { times: size.probes, lasting: size.before });
    await until('telemetry to be told', async () => telemetryOf(await bench.gateway()).told > countedBefore.told);

    bench.link.set('frozen');
    const frozenAt = performance.now();
    const during = await probe(bench, { times: size.probes, lasting: size.frozen });
    const { dropped } = telemetryOf(await bench.gateway());
    bench.link.set('whole');
    const frozenMs = performance.now() - frozenAt;
    await crew.sendPerSecond(0);
    await answered('the last acknowledgements', crew.acknowledgement());
    await until(
      'what was kept to be told',
      async () => valueOf(await bench.gateway(), 'gateway_queue_items{kind="telemetry"}') === 0,
      flushedWithinMs,
    );
    const tally = await crew.tally();
    const counted = grownBy(telemetryOf(await bench.gateway()), countedBefore);
    const sent = tally.sent + before.sent + during.sent;
    const acknowledged = tally.acknowledged + before.sent + during.sent;
    if (acknowledged !== sent || counted.received !== sent)
      violations.push(`every frame is taken: ${sent} sent, ${acknowledged} acknowledged, ${counted.received} received`);
    if (counted.told + counted.dropped !== acknowledged)
      violations.push(
        `drops are counted: of ${acknowledged} frames acknowledged ${counted.told} were told and ${counted.dropped} dropped`,
      );
    if (acknowledged - counted.told < size.framesPerSecond / 10) violations.push('hollow: hardly a frame was dropped');
    const heard = await bench.heard();
    if (heard.distinct !== counted.told + countedBefore.told)
      violations.push(`what is told arrives: ${heard.distinct} came of ${counted.told + countedBefore.told}`);
    violations.push(
      ...(await reach(
        'analytics counts exactly',
        async () => grownBy(telemetryAtAnalytics(await bench.analytics()), toldBefore),
        { ...counted, heard: heard.frames - toldBefore.heard },
        { counters: true },
      )),
      ...unexpectedEnds('the broker is no matter of the devices', tally, options.heartbeatSeconds),
      ...(await reach('the gauge equals the live sessions', async () => connected(await bench.analytics()), {
        active_sessions: tally.open,
        active_connections_total: tally.open,
      })),
    );
    const compared = (['handshake', 'ping', 'acknowledgement'] as const).map((name) =>
      compare(`frozen${name[0]!.toUpperCase()}${name.slice(1)}`, before.felt[name], during.felt[name], options.noise),
    );
    return {
      figures: {
        frozenMs: Math.round(frozenMs),
        frozenDevices: tally.open,
        framesAcknowledged: acknowledged,
        framesTold: counted.told,
        framesDropped: counted.dropped,
        framesDroppedWhileFrozen: dropped - countedBefore.dropped,
        framesHeardTwice: heard.frames - heard.distinct,
        frozenProbes: during.felt.handshake.length,
        ...Object.assign({}, ...compared.map(({ figures }) => figures)),
      },
      violations: [...violations, ...compared.flatMap((one) => one.violations)],
    };
  } finally {
    bench.link.set('whole');
    await crew.leave();
    await crew.close();
  }
}

const telemetryOf = (series: Series): Telemetry => ({
  received: valueOf(series, 'gateway_items{kind="telemetry",outcome="received"}'),
  told: valueOf(series, 'gateway_items{kind="telemetry",outcome="told"}'),
  dropped: valueOf(series, 'gateway_items{kind="telemetry",outcome="dropped"}'),
});

const telemetryAtAnalytics = (series: Series): Telemetry & { heard: number } => ({
  received: valueOf(series, 'device_telemetry_total{outcome="received"}'),
  told: valueOf(series, 'device_telemetry_total{outcome="told"}'),
  dropped: valueOf(series, 'device_telemetry_total{outcome="dropped"}'),
  heard: valueOf(series, 'analytics_frames_heard_total'),
});
