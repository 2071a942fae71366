/** Reads what a `/metrics` page says (Prometheus' text format, version 0.0.4), as far as it is needed here. */

/** One line: a series with its value. */
export interface Sample {
  name: string;
  labels: Readonly<Record<string, string>>;
  value: number;
}

const line = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? +([^ ]+)(?: +-?\d+)?$/;
const label = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"/g;

/** What a page holds of the metrics that are `wanted`, and how many series there are in all. */
export function readExposition(text: string, wanted: ReadonlySet<string>): { series: number; samples: Sample[] } {
  let series = 0;
  const samples: Sample[] = [];
  for (const row of text.split('\n')) {
    if (row === '' || row.startsWith('#')) continue;
    series += 1;
    const end = row.search(/[{ ]/);
    if (!wanted.has(row.slice(0, end === -1 ? row.length : end))) continue;
    const match = line.exec(row);
    if (match === null) continue;
    const [, name = '', labels = '', value = ''] = match;
    samples.push({
      name,
      labels: Object.fromEntries([...labels.matchAll(label)].map(([, key, text]) => [key!, text!])),
      value: numberOf(value),
    });
  }
  return { series, samples };
}

function numberOf(text: string): number {
  if (text === '+Inf') return Number.POSITIVE_INFINITY;
  if (text === '-Inf') return Number.NEGATIVE_INFINITY;
  return Number(text);
}

/** The sum of a metric over its labels; undefined where the page has none of it. */
export function sumOf(samples: readonly Sample[], name: string): number | undefined {
  const found = samples.filter((sample) => sample.name === name);
  return found.length === 0 ? undefined : found.reduce((sum, { value }) => sum + value, 0);
}
