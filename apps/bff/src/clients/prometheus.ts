/**
 * What the bff asks Prometheus: the series of one panel over some minutes. Only queries of the panels go there, never a
 * caller's, and whatever comes back is bounded and checked before it is believed.
 */
import { panelLimits, type Panel, type PanelData } from '@ballast/contracts';
import { ProblemError } from '@ballast/service';
import { Type, type Static } from 'typebox';
import { Compile } from 'typebox/compile';
import { createInstances } from './instances.ts';
import { pathWithQuery } from './requests.ts';

/** `GET /api/v1/query_range` (prometheus.io/docs/prometheus/latest/querying/api): sample values are texts, `NaN` and `+Inf` too. */
const Matrix = Type.Object({
  status: Type.Literal('success'),
  data: Type.Object({
    resultType: Type.Literal('matrix'),
    result: Type.Array(
      Type.Object({
        metric: Type.Record(Type.String(), Type.String()),
        values: Type.Array(Type.Tuple([Type.Number(), Type.String()]), { maxItems: 2 * panelLimits.points }),
      }),
    ),
  }),
});
type Matrix = Static<typeof Matrix>;
const matrix = Compile(Matrix);

const timeoutMs = 2_000;
/** Prometheus is scraped no faster, so shorter steps would show nothing more. */
const shortestStep = 5;

/** Seconds since the epoch. */
export interface Range {
  from: number;
  to: number;
  step: number;
}

export interface Prometheus {
  /** Rejects with 503 where Prometheus does not answer as it should. */
  panel(panel: Panel, minutes: number): Promise<Omit<PanelData, 'panel'>>;
  close(): Promise<void>;
}

/**
 * The range that ends now, `now` in ms. Both ends are whole steps, so that two questions soon after each other get the same
 * points; there are at most as many as a series may have.
 */
export function rangeOf(minutes: number, now: number): Range {
  const seconds = minutes * 60;
  const step = Math.max(shortestStep, Math.ceil(seconds / (panelLimits.points - 1)));
  const to = Math.floor(now / 1_000 / step) * step;
  return { from: to - Math.floor(seconds / step) * step, to, step };
}

/** Asks the Prometheus at `url`, whose path goes in front of its API. */
export function createPrometheus(url: URL): Prometheus {
  const instances = createInstances({ prometheus: [url.origin] });
  const prometheus = instances.get('prometheus');
  const headers = ['accept', 'application/json', ...authorization(url)];
  const path = `${url.pathname.replace(/\/$/, '')}/api/v1/query_range`;
  return {
    async panel({ expr, id }, minutes) {
      const range = rangeOf(minutes, Date.now());
      const { from: start, to: end, step } = range;
      const answer = await prometheus.ask({
        method: 'GET',
        path: pathWithQuery(path, { query: expr, start, end, step, timeout: `${timeoutMs}ms` }),
        headers,
        body: null,
        timeoutMs,
      });
      const content = parsed(answer.body);
      if (answer.status !== 200 || !matrix.Check(content)) {
        const cause = new Error(
          `Prometheus answered ${answer.status} to panel ${id}: ${answer.body.toString('utf8', 0, 300)}`,
        );
        throw new ProblemError('unavailable', 'Prometheus has no answer to this.', { retryAfterSeconds: 5, cause });
      }
      return { ...range, ...bounded(content.data.result, range) };
    },
    close: () => instances.close(),
  };
}

/** Basic authentication (RFC 7617) by what stands in the URL. */
function authorization({ username, password }: URL): string[] {
  if (`${username}${password}` === '') return [];
  const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return ['authorization', `Basic ${Buffer.from(credentials).toString('base64')}`];
}

/** The first series by their labels, each with a point for every step. */
function bounded(result: Matrix['data']['result'], range: Range): Pick<PanelData, 'series' | 'omitted'> {
  const series = result
    .map(({ metric: labels, values }) => ({ labels, values, key: keyOf(labels) }))
    .toSorted((left, right) => (left.key < right.key ? -1 : 1))
    .slice(0, panelLimits.series)
    .map(({ labels, values }) => ({ labels, points: pointsOf(values, range) }));
  return { series, omitted: result.length - series.length };
}

const keyOf = (labels: Readonly<Record<string, string>>): string =>
  JSON.stringify(
    Object.keys(labels)
      .toSorted()
      .map((name) => [name, labels[name]]),
  );

function pointsOf(values: readonly [number, string][], { from, to, step }: Range): [number, number | null][] {
  const measured = new Map(values.map(([at, text]) => [at, Number(text)]));
  return Array.from({ length: (to - from) / step + 1 }, (_, index) => {
    const at = from + index * step;
    const value = measured.get(at);
    return [at, value !== undefined && Number.isFinite(value) ? value : null];
  });
}

function parsed(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString());
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}
