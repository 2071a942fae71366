/**
 * Part 4: the gateway is killed with sessions open and others coming in. What analytics shows is right in time; when the
 * gateway is back and all devices come again at once, several times over, it is exactly right again.
 */
import { until } from '@ballast/testing';
import type { GuaranteeReport } from '../report.ts';
import { grownBy, nextReport, patienceMs, reach, sumOf, valueOf, type GatewayBench, type Series } from './bench.ts';
import { startCrew, together } from './crew.ts';
import { connected } from './idle.ts';

export interface KilledSize {
  sessions: number;
  /** How soon nobody is shown as connected any more, in ms. */
  gaugeWithinMs: number;
}

/** What a device does when it has lost its gateway: it comes again, and again, whatever became of the last time. */
const comings = 3;
const comingAtOnce = 50;
/** As many as the kernel keeps for the gateway. */
const storming = 2_000;

type Counters = Record<'attempts' | 'success' | 'failures', number>;

/** Runs it. */
export async function killGateway(
  bench: GatewayBench,
  size: KilledSize,
  { apart }: { apart: boolean },
): Promise<GuaranteeReport> {
  const violations: string[] = [];
  const [first, late, storm] = await Promise.all([1, 2, 3].map(() => startCrew(bench.port, apart)));
  try {
    const tokens = Array.from({ length: size.sessions }, () => bench.token());
    await first!.join(tokens, comingAtOnce);
    const settled = { attempts: size.sessions, success: size.sessions, failures: 0 };
    violations.push(
      ...(await showsLive(bench, size.sessions)),
      ...(await reach('analytics counts exactly', async () => counters(await bench.analytics()), settled, {
        counters: true,
      })),
    );

    // In the middle of others' handshakes.
    const coming = late!.join(
      Array.from({ length: size.sessions }, () => bench.token()),
      comingAtOnce,
    );
    await until('others to come in', async () => (await late!.tally()).accepted > 0);
    await bench.kill();
    const killedAt = performance.now();
    violations.push(
      ...(await reach(
        'a killed gateway leaves the gauge',
        async () => connected(await bench.analytics()),
        { active_sessions: 0, active_connections_total: 0 },
        { withinMs: size.gaugeWithinMs },
      )),
    );
    const gaugeMs = performance.now() - killedAt;
    await coming;
    const dead = counters(await bench.analytics());
    const seen = together([await first!.tally(), await late!.tally()]);
    // Its last second is lost with it; what it did before is not, and nothing is there that no device did.
    if (dead.attempts < settled.attempts || dead.success < settled.success)
      violations.push(`what was reported stays: ${JSON.stringify(dead)} of ${JSON.stringify(settled)}`);
    if (dead.attempts > seen.firstLines || dead.success + dead.failures > dead.attempts || dead.failures > 0)
      violations.push(`analytics counts exactly: ${JSON.stringify(dead)} of ${seen.firstLines} first lines`);

    await bench.restart();
    const expired = Math.ceil(size.sessions / 10);
    const again = [
      ...Array.from({ length: comings }, () => tokens).flat(),
      ...Array.from({ length: expired }, () => bench.token(undefined, { exp: 1 })),
    ];
    const restartedAt = performance.now();
    await storm!.join(again, storming);
    const stormMs = performance.now() - restartedAt;
    const gateway = await bench.gateway();
    const tally = await storm!.tally();
    if (tally.accepted !== comings * size.sessions || tally.refused['expired'] !== expired)
      violations.push(`all come in again: ${tally.accepted}, and ${JSON.stringify(tally.refused)}`);
    const sessions = valueOf(gateway, 'gateway_sessions');
    if (sessions !== size.sessions)
      violations.push(
        `a device has one session: ${sessions} of ${size.sessions} devices after ${comings} comings each`,
      );
    const growth = async () => grownBy(counters(await bench.analytics()), dead);
    const expected = { attempts: tally.firstLines, success: tally.accepted, failures: expired };
    const exactly = 'analytics counts exactly';
    violations.push(
      ...(await showsLive(bench, sessions)),
      ...(await reach(exactly, growth, expected, { counters: true })),
    );
    await nextReport(bench);
    violations.push(...(await reach(exactly, growth, expected, { counters: true, withinMs: 0 })));
    const after = await storm!.tally();
    if (after.open !== size.sessions) violations.push(`a device has one session: ${after.open} sockets are open`);
    return {
      figures: {
        killedWithSessions: size.sessions,
        gaugeRightAfterMs: Math.round(gaugeMs),
        firstLinesUpToTheKill: seen.firstLines,
        attemptsReportedOfThem: dead.attempts,
        stormHandshakes: again.length,
        stormMs: Math.round(stormMs),
        stormReplaced: after.ended['replaced'] ?? 0,
        stormAttemptsCounted: counters(await bench.analytics()).attempts - dead.attempts,
      },
      violations,
    };
  } finally {
    for (const crew of [first!, late!, storm!]) {
      await crew.leave();
      await crew.close();
    }
  }
}

const showsLive = (bench: GatewayBench, sessions: number): Promise<string[]> =>
  reach(
    'the gauge equals the live sessions',
    async () => connected(await bench.analytics()),
    { active_sessions: sessions, active_connections_total: sessions },
    { withinMs: patienceMs },
  );

const counters = (series: Series): Counters => ({
  attempts: valueOf(series, 'auth_attempts_total'),
  success: valueOf(series, 'auth_success_total'),
  failures: sumOf(series, 'auth_failures_total'),
});
