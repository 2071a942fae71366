/** How far back `/metrics-view` looks. Pure. */

/** The ranges to choose from, in minutes; the first is looked at unless another one is asked for. */
export const metricsRanges = [15, 5, 60, 360] as const;
export type MetricsRange = (typeof metricsRanges)[number];

/** A range from an address, where anything may stand. */
export function readRange(text: string | null): MetricsRange {
  return metricsRanges.find((minutes) => String(minutes) === text) ?? metricsRanges[0];
}

/** The address of `/metrics-view` with a range. */
export function metricsAddress(minutes: MetricsRange): string {
  return minutes === metricsRanges[0] ? '/metrics-view' : `/metrics-view?minutes=${minutes}`;
}
