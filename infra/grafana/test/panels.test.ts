/** Every panel's query, asked of a real Prometheus that has scraped what a mesh shows. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { panels, seriesName } from '@ballast/contracts';
import { type PrivatePrometheus, startPrometheus } from '@ballast/lab';
import { Type, type Static } from 'typebox';
import { Compile } from 'typebox/compile';
import { serveRecorded } from './recorded.ts';

const Answer = Type.Object({
  status: Type.Literal('success'),
  data: Type.Object({
    resultType: Type.Literal('vector'),
    result: Type.Array(
      Type.Object({
        metric: Type.Record(Type.String(), Type.String()),
        value: Type.Tuple([Type.Number(), Type.String()]),
      }),
    ),
  }),
});
type Series = Static<typeof Answer>['data']['result'];
const check = Compile(Answer);
const patience = 30_000;

describe('the panels', () => {
  let prometheus: PrivatePrometheus;
  let mesh: Awaited<ReturnType<typeof serveRecorded>>;

  before(async () => {
    mesh = await serveRecorded();
    prometheus = await startPrometheus(mesh.targets);
  });
  after(async () => {
    await prometheus.stop();
    await mesh.stop();
  });

  const ask = async (expr: string): Promise<Series> => {
    const url = `${prometheus.url}/api/v1/query?${new URLSearchParams({ query: expr }).toString()}`;
    const answer: unknown = await (await fetch(url, { signal: AbortSignal.timeout(5_000) })).json();
    assert.ok(check.Check(answer), `${expr}: ${JSON.stringify(answer)}`);
    return answer.data.result;
  };
  /** Asks until the answer is as it is to be. A target that answers a moment late has no series until it is asked again. */
  const askUntil = async (expr: string, isIt: (series: Series) => boolean): Promise<Series> => {
    const deadline = performance.now() + patience;
    for (;;) {
      const series = await ask(expr);
      if (isIt(series)) return series;
      assert.ok(performance.now() < deadline, `${expr} is ${JSON.stringify(series)}`);
      const { promise, resolve } = Promise.withResolvers<void>();
      setTimeout(resolve, 250);
      await promise;
    }
  };
  /** Asks until a rate can be told, which takes two scrapes of each target, and until those named are among the series. */
  const askPatiently = async (id: string, ...names: readonly string[]): Promise<Map<string, number>> => {
    const panel = panels.find((each) => each.id === id);
    assert.ok(panel !== undefined, id);
    const named = (series: Series): Map<string, number> =>
      new Map(series.map(({ metric, value }) => [seriesName(panel.legend, metric), Number(value[1])]));
    const series = await askUntil(panel.expr, (found) => {
      const values = named(found);
      const isWhole = values.size > 0 && [...values.values()].every((value) => !Number.isNaN(value));
      return isWhole && names.every((name) => values.has(name));
    });
    return named(series);
  };

  it('each have a series with a name of its own', async () => {
    for (const { id, legend } of panels) {
      const values = await askPatiently(id);
      assert.ok(values.size > 0, id);
      if (legend.includes('{{')) assert.ok(!values.has('value'), `${id} has a series without a name`);
    }
    // A name that nobody writes has none, so the above can fail.
    assert.deepEqual(await ask('sum(auth_attempts)'), []);
  });

  it('say what was recorded', async () => {
    assert.deepEqual([...(await askPatiently('devices-connected'))], [['active', 2000]]);
    const reasons = await askPatiently('devices-reasons', 'bad_signature', 'expired');
    assert.deepEqual([...reasons.keys()].toSorted(), ['bad_signature', 'expired']);
    const outcomes = await askPatiently('devices-outcomes', 'let in', 'refused');
    assert.deepEqual([...outcomes.keys()].toSorted(), ['let in', 'refused']);
    const breakers = await askPatiently('mesh-breakers', 'catalog', 'claims');
    assert.deepEqual([breakers.get('catalog'), breakers.get('claims')], [0, 2]);
    const errors = await askPatiently('mesh-errors', 'bff', 'catalog');
    assert.ok(Math.abs((errors.get('bff') ?? 0) - 2 / 22) < 0.02, `bff fails ${errors.get('bff')}`);
    assert.equal(errors.get('catalog'), 0);
    const instances = panels.find(({ id }) => id === 'mesh-instances')!;
    await askUntil(instances.expr, ([only]) => Number(only?.value[1]) === mesh.targets.length);
    const p95 = await askPatiently('mesh-p95', 'catalog');
    assert.ok((p95.get('catalog') ?? 0) > 0.005 && (p95.get('catalog') ?? 1) <= 0.1);
  });

  it('see each service by the names it gives itself, once', async () => {
    const series = await askUntil('http_requests_total{service="catalog"}', (found) => found.length > 0);
    for (const { metric } of series) {
      assert.equal(metric['instance'], 'catalog-1');
      assert.deepEqual(
        Object.keys(metric).filter((label) => label.startsWith('exported_')),
        [],
      );
    }
  });
});
