/**
 * Part 5: thousands of handshakes under names made up for the occasion, half of them with tokens that nobody signed, half
 * truly signed and wrong in some way. Every one is counted, and they make no more series than there may be.
 */
import { randomBytes } from 'node:crypto';
import type { RejectionReason } from '@ballast/contracts';
import type { GuaranteeReport } from '../report.ts';
import { deviceName, reach, seriesOf, sumOf, type GatewayBench, type Series } from './bench.ts';
import { startCrew } from './crew.ts';

export interface StrangersSize {
  handshakes: number;
}

/** Series of `auth_failures_total`, at most. */
const mostSeries = 120;
const comingAtOnce = 50;

const encoded = (part: object): string => Buffer.from(JSON.stringify(part)).toString('base64url');
/** What nobody signed. */
const unsigned = (header: object): string =>
  `${encoded({ typ: 'device+jwt', ...header })}.${encoded({ sub: deviceName() })}.${randomBytes(64).toString('base64url')}`;

/** One way of being wrong each, and what the gateway has to say to it. */
const ways: readonly { reason: RejectionReason; token: (bench: GatewayBench) => string }[] = [
  { reason: 'bad_signature', token: () => unsigned({ alg: 'ES256', kid: 'test' }) },
  { reason: 'expired', token: (bench) => bench.token(deviceName(), { exp: 1 }) },
  { reason: 'bad_signature', token: () => unsigned({ alg: 'none', kid: 'test' }) },
  { reason: 'wrong_audience', token: (bench) => bench.token(deviceName(), { aud: 'somewhere-else' }) },
  { reason: 'unknown_key', token: () => unsigned({ alg: 'ES256', kid: randomBytes(6).toString('hex') }) },
  {
    reason: 'not_yet_valid',
    token: (bench) => bench.token(deviceName(), { nbf: Math.floor(Date.now() / 1_000) + 600 }),
  },
  { reason: 'malformed', token: () => randomBytes(60).toString('base64url') },
  { reason: 'wrong_type', token: (bench) => bench.token(deviceName(), {}, { typ: 'at+jwt' }) },
];

/** Runs it. */
export async function meetStrangers(
  bench: GatewayBench,
  { handshakes }: StrangersSize,
  { apart }: { apart: boolean },
): Promise<GuaranteeReport> {
  const before = failures(await bench.analytics());
  const crew = await startCrew(bench.port, apart);
  try {
    const expected: Record<string, number> = {};
    const tokens = Array.from({ length: handshakes }, (_, index) => {
      const { reason, token } = ways[index % ways.length]!;
      expected[reason] = (expected[reason] ?? 0) + 1;
      return token(bench);
    });
    await crew.join(tokens, comingAtOnce);
    const { accepted, refused } = await crew.tally();
    const violations = accepted === 0 ? [] : [`strangers stay out: ${accepted} were let in`];
    for (const reason of new Set([...Object.keys(expected), ...Object.keys(refused)]))
      if (refused[reason] !== expected[reason])
        violations.push(`strangers are told why: ${refused[reason] ?? 0} ${reason}, not ${expected[reason] ?? 0}`);
    const sums = Object.fromEntries(
      Object.entries(expected).map(([reason, count]) => [reason, (before[reason] ?? 0) + count]),
    );
    violations.push(
      ...(await reach(
        'analytics counts exactly',
        async () => failures(await bench.analytics()),
        { ...sums, all: before['all']! + handshakes },
        { counters: true },
      )),
    );
    const [analytics, gateway] = [await bench.analytics(), await bench.gateway()];
    const series = seriesOf(analytics, 'auth_failures_total').length;
    if (series > mostSeries) violations.push(`strangers make no series: ${series} of auth_failures_total`);
    return {
      figures: {
        strangers: handshakes,
        authFailures: (failures(analytics)['all'] ?? 0) - before['all']!,
        authFailuresSeries: series,
        seriesOfAnalytics: analytics.size,
        seriesOfGateway: gateway.size,
      },
      violations,
    };
  } finally {
    await crew.leave();
    await crew.close();
  }
}

/** By reason, and all of them. */
function failures(series: Series): Record<string, number> {
  const reasons = new Set(ways.map(({ reason }) => reason));
  const sums = [...reasons].map((reason) => [reason, sumOf(series, 'auth_failures_total', `reason="${reason}"`)]);
  return { ...Object.fromEntries(sums), all: sumOf(series, 'auth_failures_total') };
}
