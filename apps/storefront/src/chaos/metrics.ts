/** The figures of the last half minute and the lines of the last minute. Pure. */
import type { LiveMetrics } from '@ballast/contracts';
import { formatCount, formatLatency } from './words.ts';

/** Points (seconds) the big figures are about. */
const figureSeconds = 30;
/** Points (seconds) the lines show. */
const lineSeconds = 60;

export type FigureName = 'requests' | 'errors' | 'p50' | 'p95' | 'orders' | 'inFlight' | 'outbox';

export type Figure = {
  name: FigureName;
  label: string;
  /** The figure over 30 s as text; a dash where nothing was measured. */
  text: string;
  /** Where it is a mean, or what is now. */
  about: string;
  /** The last 60 s, null where nothing was measured; oldest first. */
  line: (number | null)[];
  /** Something to look at: errors, a backlog. */
  alarming: boolean;
};

type Source = {
  name: FigureName;
  label: string;
  about: string;
  of(point: LiveMetrics): number | null;
  /** A rate is averaged, a level is the latest, a quantile is the median of what was measured. */
  how: 'mean' | 'latest' | 'median';
  format(value: number): string;
  alarming?(value: number): boolean;
};

const sources: readonly Source[] = [
  {
    name: 'requests',
    label: 'Requests/s',
    about: 'mean of 30 s',
    of: (point) => point.requestsPerSecond,
    how: 'mean',
    format: formatCount,
  },
  {
    name: 'errors',
    label: 'Errors/s',
    about: 'mean of 30 s',
    of: (point) => point.errorsPerSecond,
    how: 'mean',
    format: formatCount,
    alarming: (value) => value > 0,
  },
  {
    name: 'p50',
    label: 'p50',
    about: 'median of 30 s',
    of: (point) => point.p50,
    how: 'median',
    format: formatLatency,
  },
  {
    name: 'p95',
    label: 'p95',
    about: 'median of 30 s',
    of: (point) => point.p95,
    how: 'median',
    format: formatLatency,
  },
  {
    name: 'orders',
    label: 'Orders/s',
    about: 'mean of 30 s',
    of: (point) => point.ordersPerSecond,
    how: 'mean',
    format: formatCount,
  },
  {
    name: 'inFlight',
    label: 'In flight',
    about: 'orders now',
    of: (point) => point.inFlight,
    how: 'latest',
    format: formatCount,
  },
  {
    name: 'outbox',
    label: 'Outbox',
    about: 'rows now',
    of: (point) => point.outbox,
    how: 'latest',
    format: formatCount,
  },
];

/** Every figure, in the order in which they are shown. */
export function figuresOf(points: readonly LiveMetrics[]): Figure[] {
  return sources.map((source) => {
    const line = points.slice(-lineSeconds).map((point) => source.of(point));
    const measured = line.slice(-figureSeconds).filter((value) => value !== null);
    const value = summary(measured, source.how);
    return {
      name: source.name,
      label: source.label,
      about: source.about,
      text: value === null ? '–' : source.format(value),
      line,
      alarming: value !== null && source.alarming?.(value) === true,
    };
  });
}

function summary(values: readonly number[], how: Source['how']): number | null {
  const last = values.at(-1);
  if (last === undefined) return null;
  if (how === 'latest') return last;
  if (how === 'mean') return values.reduce((sum, value) => sum + value, 0) / values.length;
  return values.toSorted((left, right) => left - right)[Math.floor(values.length / 2)] ?? last;
}

/**
 * A line as SVG path data in a box of that size, newest at the right end; empty without two points. Where nothing was
 * measured the line has a gap. The scale begins at 0.
 */
export function linePath(line: readonly (number | null)[], width: number, height: number): string {
  const highest = Math.max(0, ...line.map((value) => value ?? 0));
  const step = width / (lineSeconds - 1);
  const first = lineSeconds - line.length;
  let pen = 'M';
  let path = '';
  line.forEach((value, index) => {
    if (value === null) {
      pen = 'M';
      return;
    }
    const x = ((first + index) * step).toFixed(1);
    const y = (highest === 0 ? height : height - (value / highest) * height).toFixed(1);
    path += `${pen}${x} ${y}`;
    pen = 'L';
  });
  return path.includes('L') ? path : '';
}
