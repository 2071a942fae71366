/** From the answer of the bff to what a chart and a table show. Pure. */
import { seriesName } from '@ballast/contracts';
import type { PanelData } from '@ballast/contracts';

/** The series of a panel on one axis of time, with a name each. */
export type ChartData = {
  /** Seconds since the epoch, evenly spaced. */
  times: readonly number[];
  series: readonly NamedSeries[];
};

export type NamedSeries = {
  name: string;
  /** One for each of the times; null where nothing was measured. */
  values: readonly (number | null)[];
};

/** The axis is made from the answer's range; points beside it are left out, missing ones are null. */
export function chartData(data: PanelData): ChartData {
  const { from, to, step } = data;
  const times = Array.from(
    { length: Math.max(1, Math.round((to - from) / step) + 1) },
    (_, index) => from + index * step,
  );
  const names = uniqueNames(data);
  const series = data.series.map(({ points }, index) => {
    const measured = new Map(points);
    return { name: names[index]!, values: times.map((at) => measured.get(at) ?? null) };
  });
  return { times, series };
}

/** Names by the panel's legend. Where it leaves two series alike, all of their labels tell them apart. */
function uniqueNames({ panel, series }: PanelData): string[] {
  const names = series.map(({ labels }) => seriesName(panel.legend, labels));
  return names.map((name, index) => {
    if (names.indexOf(name) === names.lastIndexOf(name)) return name;
    const labels = Object.entries(series[index]!.labels).map(([label, value]) => `${label}=${value}`);
    return `${name} (${labels.join(', ') || index + 1})`;
  });
}

/** What a table says of a series. All null where nothing was measured. */
export type Summary = {
  latest: number | null;
  /** When `latest` was measured, in seconds since the epoch. */
  at: number | null;
  /** `latest` is of the end of the range: the series has not ended before. */
  isCurrent: boolean;
  lowest: number | null;
  highest: number | null;
};

export function summarize({ values }: NamedSeries, times: readonly number[]): Summary {
  const last = values.findLastIndex((value) => value !== null);
  const measured = values.filter((value) => value !== null);
  return {
    latest: values[last] ?? null,
    at: times[last] ?? null,
    isCurrent: last === times.length - 1,
    lowest: measured.length === 0 ? null : Math.min(...measured),
    highest: measured.length === 0 ? null : Math.max(...measured),
  };
}

/**
 * Where a line of states is drawn. Many of them are in the same state most of the time: each has a lane of its own within
 * the band of its state, so that none hides another. `lane` counts from 0 to `lanes` - 1, the first is uppermost.
 */
export function inLane(state: number | null, lane: number, lanes: number): number | null {
  if (state === null || lanes < 2) return state;
  return state + 0.32 - (0.64 * lane) / (lanes - 1);
}
