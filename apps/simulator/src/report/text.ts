/** The report as it is read: tables in plain text, and the line that tells how it goes. */
import { Latencies } from '../latency.ts';
import { latencyNames, type LatencyName, type Snapshot } from '../tally.ts';
import type { Compared, ScenarioResult } from './comparison.ts';

/** A whole number with its thousands apart. */
const grouped = (value: number): string => value.toLocaleString('en-US');

/** Columns as wide as they have to be; numbers, and all headed with a `>`, stand to the right. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const names = head.map((name) => name.replace(/^>/, ''));
  const widths = names.map((name, column) => Math.max(name.length, ...rows.map((row) => row[column]?.length ?? 0)));
  return [names, ...rows].map((row) =>
    row
      .map((cell, column) =>
        head[column]!.startsWith('>') ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!),
      )
      .join('  ')
      .trimEnd(),
  );
}

export function scenarioTable(results: readonly ScenarioResult[]): string[] {
  return table(
    ['scenario', '>devices', '>rounds', 'expected', '>as expected', 'seen instead'],
    results.map(({ scenario, devices, rounds, expected, seen, met }) => [
      scenario,
      grouped(devices),
      grouped(rounds),
      expected,
      grouped(seen.filter((each) => each.expected).reduce((sum, { count }) => sum + count, 0)),
      seen
        .filter((each) => !each.expected)
        .map(({ outcome, count }) => `${grouped(count)} × ${outcome}`)
        .join(', ') || (met ? '' : 'not all have played'),
    ]),
  );
}

const latencyTitles: Record<LatencyName, string> = {
  accepted: 'connect → accepted',
  pong: 'ping → pong',
  ack: 'frame → ack',
  revoked: 'revoked → closing',
};

export function latencyTable({ latencies }: Pick<Snapshot, 'latencies'>): string[] {
  const show = (milliseconds: number): string => milliseconds.toFixed(milliseconds < 100 ? 1 : 0);
  return table(
    ['latency in ms', '>count', '>p50', '>p95', '>p99', '>max'],
    latencyNames.map((name) => {
      const all = new Latencies();
      all.merge(latencies[name]);
      const figures = [all.percentile(0.5), all.percentile(0.95), all.percentile(0.99), all.maxMs];
      return [latencyTitles[name], grouped(all.count), ...figures.map((each) => (all.count === 0 ? '–' : show(each)))];
    }),
  );
}

export function countTable(compared: readonly Compared[]): string[] {
  return table(
    ['counted', '>simulator', '>analytics', ''],
    compared.map(({ what, simulator, analytics, equal }) => [
      what,
      grouped(simulator),
      grouped(analytics),
      equal ? '' : `differs by ${grouped(Math.abs(simulator - analytics))}`,
    ]),
  );
}

/** What the simulator has counted, where nothing is compared. */
export function ownCounts(seen: Snapshot): string[] {
  const reasons = Object.entries(seen.rejected).map(([reason, count]) => `${reason} ${grouped(count)}`);
  return [
    `attempts ${grouped(seen.attempts)}, let in ${grouped(seen.accepted)}, rejected ${grouped(seen.attempts - seen.accepted)}${reasons.length === 0 ? '' : ` (${reasons.join(', ')})`}`,
    `telemetry frames ${grouped(seen.telemetry.acknowledged)} acknowledged of ${grouped(seen.telemetry.sent)}, sessions left ${grouped(seen.sessions)}`,
  ];
}

/** How it goes; `perSecond` is of telemetry frames since the last line. */
export function progressLine(
  seconds: number,
  devices: number,
  seen: Snapshot,
  perSecond: number,
  unexpected: number,
): string {
  return [
    `${seconds.toFixed(0).padStart(4)} s`,
    `begun ${grouped(seen.begun)}/${grouped(devices)}`,
    `sessions ${grouped(seen.sessions)}`,
    `attempts ${grouped(seen.attempts)}`,
    `let in ${grouped(seen.accepted)}`,
    `rejected ${grouped(seen.attempts - seen.accepted)}`,
    `frames/s ${grouped(Math.round(perSecond))}`,
    `unexpected ${grouped(unexpected)}`,
  ].join('  ');
}
