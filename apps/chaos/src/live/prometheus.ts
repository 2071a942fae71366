/**
 * Reads Prometheus' text format (https://prometheus.io/docs/instrumenting/exposition_formats/), and of it only the metrics
 * that are asked for. The same series is the same object each time it is read, so that a reader can keep what it was.
 */

/** A metric with its labels. */
export interface Series {
  name: string;
  labels: Readonly<Record<string, string>>;
}

export interface Sample {
  series: Series;
  value: number;
}

/** Series remembered by one reader; a service has far fewer. */
const maximumSeries = 20_000;

/** Returns a reader for one source. Lines that cannot be read are left out. */
export function createScrapeReader(names: readonly string[]): (text: string) => Sample[] {
  const wanted = new Set(names);
  const known = new Map<string, Series>();

  const seriesOf = (written: string, name: string): Series => {
    const before = known.get(written);
    if (before !== undefined) return before;
    const series = { name, labels: readLabels(written.slice(name.length)) };
    if (known.size >= maximumSeries) known.clear();
    known.set(written, series);
    return series;
  };

  return (text) => {
    const samples: Sample[] = [];
    for (let start = 0; start < text.length;) {
      const newline = text.indexOf('\n', start);
      const end = newline === -1 ? text.length : newline;
      if (text[start] !== '#') {
        const [, name] = metricName.exec(text.slice(start, Math.min(end, start + longestName))) ?? [];
        if (name !== undefined && wanted.has(name)) {
          const line = text.slice(start, end);
          // Label values may contain anything, a brace too; what comes after them contains none.
          const split = line[name.length] === '{' ? line.lastIndexOf('}') + 1 : name.length;
          const value = readValue(line.slice(split).trim().split(' ', 1)[0]!);
          if (split > 0 && value !== undefined) samples.push({ series: seriesOf(line.slice(0, split), name), value });
        }
      }
      start = end + 1;
    }
    return samples;
  };
}

const metricName = /^([a-zA-Z_:][a-zA-Z0-9_:]*)[{ ]/;
const longestName = 120;
const label = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"/g;

function readLabels(written: string): Record<string, string> {
  const labels: Record<string, string> = {};
  for (const [, name, value] of written.matchAll(label)) {
    labels[name!] = value!.replaceAll(/\\(.)/g, (_, escaped: string) => (escaped === 'n' ? '\n' : escaped));
  }
  return labels;
}

function readValue(written: string): number | undefined {
  if (written === '+Inf') return Number.POSITIVE_INFINITY;
  if (written === '-Inf') return Number.NEGATIVE_INFINITY;
  if (written === 'NaN') return Number.NaN;
  const value = Number(written);
  return written === '' || Number.isNaN(value) ? undefined : value;
}
