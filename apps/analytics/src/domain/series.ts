/**
 * From what a gateway's process has counted to series with labels that stay few. A series is a name and two labels; which
 * gateways and devices are named in them is decided once (see `store/names.ts`), all others are `other`.
 */
import { closingReasons, type GatewayCounted } from '@ballast/contracts';

/** What is counted: `attempts` by gateway, `rejected` by reason and device, the others by reason or outcome. */
export type SeriesName = 'attempts' | 'accepted' | 'rejected' | 'ended' | 'telemetry' | 'events';

export interface Series {
  name: SeriesName;
  /** Gateway, reason or outcome; empty for `accepted`. */
  label: string;
  /** Of `rejected` only. */
  device: string;
}

/** A series and how far a process has counted it. */
export interface Count extends Series {
  count: number;
}

/** Whatever has no name of its own. What calls itself that is counted among them. */
export const other = 'other';

/** Why sessions end; `gone` where the device hung up by itself. */
export const endReasons: ReadonlySet<string> = new Set([...closingReasons, 'gone']);

/** What may be named: a gateway, or a device under a reason. */
export interface Nameable {
  kind: 'gateway' | 'failure';
  /** A rejection's; empty for gateways. */
  reason: string;
  name: string;
}

/** How many are: with one `other` per reason there are 113 series of rejections at most. */
export const nameLimits: Record<Nameable['kind'], number> = { gateway: 32, failure: 100 };

/** Tells whether something has a series of its own. */
export type IsNamed = (nameable: Nameable) => boolean;

export const nameableKey = ({ kind, reason, name }: Nameable): string => `${kind} ${reason} ${name}`;

/** One text per series, for maps. Labels hold no spaces. */
export const seriesKey = ({ name, label, device }: Series): string => `${name} ${label} ${device}`;

/** Whatever in a report could have a series of its own; first come, first named. What was never counted takes no place. */
export function nameablesOf(report: GatewayCounted): Nameable[] {
  const failures = report.rejected.flatMap(({ reason, deviceId, count }): Nameable[] =>
    deviceId === null || deviceId === other || count === 0 ? [] : [{ kind: 'failure', reason, name: deviceId }],
  );
  return report.gateway === other ? failures : [{ kind: 'gateway', reason: '', name: report.gateway }, ...failures];
}

/** The report's counts, each series once; zeroes are left out. */
export function countsOf(report: GatewayCounted, isNamed: IsNamed): Count[] {
  const gateway = isNamed({ kind: 'gateway', reason: '', name: report.gateway }) ? report.gateway : other;
  const counts: Count[] = [
    { name: 'attempts', label: gateway, device: '', count: report.attempts },
    { name: 'accepted', label: '', device: '', count: report.accepted },
    ...rejectionsOf(report, isNamed),
  ];
  for (const [label, count] of endsOf(report)) counts.push({ name: 'ended', label, device: '', count });
  for (const label of ['received', 'told', 'dropped'] as const)
    counts.push({ name: 'telemetry', label, device: '', count: report.telemetry[label] });
  for (const label of ['told', 'dropped'] as const)
    counts.push({ name: 'events', label, device: '', count: report.events[label] });
  return counts.filter(({ count }) => count > 0);
}

/** A newer gateway may know reasons that are not known here: they add up under `other`, like devices that are not named. */
function endsOf({ ended }: GatewayCounted): Map<string, number> {
  const sums = new Map<string, number>();
  for (const [reason, count = 0] of Object.entries(ended)) {
    const label = endReasons.has(reason) ? reason : other;
    sums.set(label, (sums.get(label) ?? 0) + count);
  }
  return sums;
}

/** What is not named adds up under `other`: each part of it only grows, so the sum does. */
function rejectionsOf(report: GatewayCounted, isNamed: IsNamed): Count[] {
  const sums = new Map<string, Count>();
  for (const { reason, deviceId, count } of report.rejected) {
    const named = deviceId !== null && isNamed({ kind: 'failure', reason, name: deviceId });
    const series: Series = { name: 'rejected', label: reason, device: named ? deviceId : other };
    const key = seriesKey(series);
    const known = sums.get(key);
    if (known === undefined) sums.set(key, { ...series, count });
    else known.count += count;
  }
  return [...sums.values()];
}

/** Whether every number of a report can be counted with: beyond 2^53 they are no longer exact in JavaScript. */
export function isCountable(report: GatewayCounted): boolean {
  const { seq, connections, sessions, attempts, accepted, rejected, ended, telemetry, events } = report;
  const numbers: number[] = [seq, connections, sessions, attempts, accepted, ...Object.values(ended)];
  numbers.push(...Object.values(telemetry), ...Object.values(events));
  // They are added up under `other`.
  numbers.push(rejected.reduce((sum, { count }) => sum + count, 0));
  numbers.push(Object.values(ended).reduce((sum, count) => sum + count, 0));
  return numbers.every((number) => Number.isSafeInteger(number) && number >= 0);
}

/** UUIDv7 (RFC 9562): the version's digit. */
export const isTimeOrdered = (uuid: string): boolean => uuid[14] === '7';
