/**
 * Part 2: sockets that drip, a byte now and then, and sockets that are black holes, from which nothing comes and which do not
 * even notice that they were closed. Half of each have been let in before. All are gone in time, and honest devices that
 * ping all the while notice nothing.
 */
import type { GuaranteeReport } from '../report.ts';
import { grownBy, pause, valueOf, type GatewayBench, type Series } from './bench.ts';
import { startCrew } from './crew.ts';
import { authLine, Device } from './device.ts';
import { unexpectedEnds } from './ends.ts';
import { compare, type Noise } from './probe.ts';

export interface HostileSize {
  /** Devices that ping. */
  honest: number;
  pingEveryMs: number;
  dripping: number;
  blackHoled: number;
  /** How long honest devices are by themselves before, in ms. */
  calm: number;
}

export interface Deadlines {
  authDeadlineMs: number;
  heartbeatSeconds: number;
  /** How much later than promised a socket may be gone, in ms. */
  slackMs: number;
}

/** A socket whose device does not hang up is cut so long after the last line. */
const lingerMs = 1_000;
const dripEveryMs = 500;
const lookEveryMs = 200;
const comingAtOnce = 50;

/** Runs it. */
export async function sufferHostile(
  bench: GatewayBench,
  size: HostileSize,
  options: Deadlines & { apart: boolean; noise: Noise | undefined },
): Promise<GuaranteeReport> {
  const crew = await startCrew(bench.port, options.apart);
  const hostile: Device[] = [];
  let drip: NodeJS.Timeout | undefined;
  try {
    await crew.join(
      Array.from({ length: size.honest }, () => bench.token()),
      comingAtOnce,
    );
    await crew.pingEvery(size.pingEveryMs);
    // The gateway is looked at as often as later: that costs something, too.
    const calmUntil = performance.now() + size.calm;
    do {
      await bench.gateway();
      await pause(lookEveryMs);
    } while (performance.now() < calmUntil);
    const before = await crew.takePings();
    const countsBefore = endings(await bench.gateway());

    const strangers = Array.from({ length: (size.dripping + size.blackHoled) / 2 }, () => new Device(bench.port));
    const admitted = strangers.map(() => new Device(bench.port, authLine(bench.token())));
    hostile.push(...strangers, ...admitted);
    await Promise.all(admitted.map(({ outcome }) => outcome));
    const openedAt = performance.now();
    const half = size.dripping / 2;
    const dripping = [...strangers.slice(0, half), ...admitted.slice(0, half)];
    drip = setInterval(() => {
      // Of a line that never ends.
      for (const { socket } of dripping) if (socket.writable) socket.write('{');
    }, dripEveryMs);
    for (const { socket } of [...strangers.slice(half), ...admitted.slice(half)]) socket.pause();

    const promises = { strangers: options.authDeadlineMs, admitted: options.heartbeatSeconds * 1_000 };
    const latest = Math.max(...Object.values(promises)) + lingerMs + options.slackMs;
    /** How long after the last one had come they were gone, in ms. */
    const goneAfter = { strangers: 0, admitted: 0 };
    const violations: string[] = [];
    for (;;) {
      const series = await bench.gateway();
      const now = performance.now() - openedAt;
      const left = {
        strangers: valueOf(series, 'gateway_unauthenticated'),
        admitted: valueOf(series, 'gateway_sessions') - size.honest,
      };
      for (const kind of ['strangers', 'admitted'] as const) if (left[kind] <= 0) goneAfter[kind] ||= now;
      const sockets = valueOf(series, 'gateway_connections') - size.honest;
      if (sockets <= 0 && goneAfter.strangers > 0 && goneAfter.admitted > 0) break;
      if (now > latest) {
        violations.push(`silent sockets are closed in time: ${sockets} are there after ${Math.round(now)} ms`);
        break;
      }
      await pause(lookEveryMs);
    }
    const allGoneMs = performance.now() - openedAt;
    for (const kind of ['strangers', 'admitted'] as const)
      if (goneAfter[kind] > promises[kind] + options.slackMs)
        violations.push(
          `silent sockets are closed in time: the last of ${kind} after ${Math.round(goneAfter[kind])} ms`,
        );
    const ended = grownBy(endings(await bench.gateway()), countsBefore);
    for (const [name, expected] of [
      ['auth_timeout', strangers.length],
      ['idle', admitted.length],
    ] as const)
      if (ended[name] !== expected)
        violations.push(`hostile sockets are counted: ${ended[name]} ${name}, not ${expected}`);

    const during = await crew.takePings();
    const tally = await crew.tally();
    if (tally.open !== size.honest && Object.keys(tally.ended).length === 0)
      violations.push(`accepted devices notice nothing: ${tally.open} of ${size.honest} are there`);
    violations.push(...unexpectedEnds('accepted devices notice nothing', tally, options.heartbeatSeconds));
    if (during.length === 0) violations.push('accepted devices notice nothing: no ping was answered');
    const compared = compare('besideHostilePing', before, during, options.noise);
    return {
      figures: {
        hostileSockets: hostile.length,
        strangersGoneMs: Math.round(goneAfter.strangers),
        silentSessionsGoneMs: Math.round(goneAfter.admitted),
        hostileGoneMs: Math.round(allGoneMs),
        honestDevices: size.honest,
        honestEnded: Object.values(tally.ended).reduce((sum, count) => sum + count, 0),
        ...compared.figures,
      },
      violations: [...violations, ...compared.violations],
    };
  } finally {
    clearInterval(drip);
    for (const device of hostile) device.leave();
    await crew.leave();
    await crew.close();
  }
}

const endings = (series: Series): Record<'auth_timeout' | 'idle', number> => ({
  auth_timeout: valueOf(series, 'gateway_rejected_total{reason="auth_timeout"}'),
  idle: valueOf(series, 'gateway_sessions_ended_total{reason="idle"}'),
});
