import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, beforeEach, describe, it } from 'node:test';
import { PanelData, panelLimits, PanelList, panels } from '@ballast/contracts';
import { type PrivatePrometheus, startPrometheus } from '@ballast/lab';
import { until, type TestDatabase } from '@ballast/testing';
import { Compile } from 'typebox/compile';
import { rangeOf } from '../src/clients/prometheus.ts';
import { FakeIdentity, FakeService, json } from './fakes.ts';
import { freshDatabase, startBff, type Bff } from './support.ts';

const panelList = Compile(PanelList);
const panelData = Compile(PanelData);
const somePanel = panels.find(({ id }) => id === 'mesh-requests')!;

describe('the panels', () => {
  const identity = new FakeIdentity();
  const fake = new FakeService('prometheus');
  let database: TestDatabase;
  let bff: Bff;

  before(async () => {
    await Promise.all([identity.start(), fake.start()]);
    database = await freshDatabase();
    bff = await start({ PROMETHEUS_URL: `${fake.origin}/below/` });
  });
  after(async () => {
    await bff.stop();
    await database.drop();
    await Promise.all([identity, fake].map((service) => service.kill()));
  });
  beforeEach(() => {
    fake.requests.length = 0;
    fake.answer = (_request, response) => json(response, 200, matrix([]));
  });

  const start = (environment: Record<string, string>): Promise<Bff> =>
    startBff({ POSTGRES_URL: database.url, IDENTITY_URL: identity.origin, ...environment });
  const ask = (path: string, account = 'operator@ballast.test', origin = bff.origin): Promise<Response> =>
    fetch(`${origin}/api/metrics/panels${path}`, {
      headers: { authorization: `Bearer ${identity.accessToken(account)}` },
    });
  const data = async (path: string, origin = bff.origin): Promise<PanelData> => {
    const response = await ask(path, undefined, origin);
    const body: unknown = await response.json();
    assert.equal(response.status, 200, JSON.stringify(body));
    assert.ok(panelData.Check(body), JSON.stringify(panelData.Errors(body).slice(0, 2)));
    return body;
  };
  const matrix = (result: unknown): unknown => ({ status: 'success', data: { resultType: 'matrix', result } });

  it('are listed whole and in order', async () => {
    const list: unknown = await (await ask('')).json();
    assert.ok(panelList.Check(list));
    assert.deepEqual(list.panels, panels);
    assert.equal(fake.calls.length, 0);
  });

  it('are for operators, and no others are told which there are', async () => {
    for (const path of ['', `/${somePanel.id}`]) {
      assert.equal((await fetch(`${bff.origin}/api/metrics/panels${path}`)).status, 401);
      assert.equal((await ask(path, 'demo@ballast.test')).status, 403);
    }
    assert.equal(fake.calls.length, 0);
  });

  it('ask for their own query and nothing that a caller says', async () => {
    const answer = await data(`/${somePanel.id}?minutes=30`);
    const [call] = fake.calls;
    const url = new URL(call?.url ?? '', fake.origin);
    assert.equal(url.pathname, '/below/api/v1/query_range');
    assert.deepEqual(Object.fromEntries(url.searchParams), {
      query: somePanel.expr,
      start: String(answer.from),
      end: String(answer.to),
      step: String(answer.step),
      timeout: '2000ms',
    });
    assert.equal(call?.headers.authorization, undefined);
    assert.ok(answer.to - answer.from <= 1800 && answer.to - answer.from > 1790);

    fake.requests.length = 0;
    for (const path of [`/${somePanel.id}?query=up`, `/${somePanel.id}?minutes=0`, `/${somePanel.id}?minutes=361`]) {
      assert.equal((await ask(path)).status, 422, path);
    }
    for (const path of ['/nothing', '/constructor']) assert.equal((await ask(path)).status, 404, path);
    assert.equal(fake.calls.length, 0);
  });

  it('are asked for with the name and password that stand in the address', async () => {
    const other = await start({ PROMETHEUS_URL: fake.origin.replace('//', '//me:p%40ss@') });
    try {
      await data(`/${somePanel.id}`, other.origin);
      const expected = `Basic ${Buffer.from('me:p@ss').toString('base64')}`;
      assert.equal(fake.calls[0]?.headers.authorization, expected);
    } finally {
      await other.stop();
    }
  });

  it('have a point for every step, and none but numbers in them', async () => {
    fake.answer = ({ url }, response) => {
      const query = new URL(url, fake.origin).searchParams;
      const [from, step] = [Number(query.get('start')), Number(query.get('step'))];
      const values = [
        [from, '1.5'],
        [from + step, 'NaN'],
        [from + 2 * step, '+Inf'],
        [from + 4 * step, '2'],
      ];
      json(response, 200, matrix([{ metric: { service: 'bff' }, values }]));
    };
    const { series, from, to, step, panel } = await data(`/${somePanel.id}`);
    assert.equal(panel.id, somePanel.id);
    const points = series[0]?.points ?? [];
    assert.deepEqual(
      points.slice(0, 6).map(([, value]) => value),
      [1.5, null, null, null, 2, null],
    );
    assert.deepEqual([points[0]?.[0], points.at(-1)?.[0]], [from, to]);
    for (const [index, [at]] of points.entries()) assert.equal(at, from + index * step);
  });

  it('are bounded in points and series, and say what they leave out', async () => {
    for (let minutes = 1; minutes <= panelLimits.minutes; minutes += 1) {
      const { from, to, step } = rangeOf(minutes, Date.now());
      const points = (to - from) / step + 1;
      assert.ok(Number.isInteger(points) && points <= panelLimits.points && points >= 13, `${minutes}: ${points}`);
      assert.ok(to % step === 0 && Date.now() / 1000 - to <= step);
    }
    fake.answer = (_request, response) => {
      const result = Array.from({ length: 70 }, () => ({ metric: { service: randomUUID() }, values: [[1, '1']] }));
      json(response, 200, matrix(result));
    };
    const { series, omitted } = await data(`/${somePanel.id}?minutes=360`);
    assert.deepEqual([series.length, omitted], [panelLimits.series, 20]);
  });

  it('are a 503 where Prometheus is away, silent, refuses, or speaks of something else', async () => {
    const refusals: [string, FakeService['answer']][] = [
      [
        'an error of its own',
        (_request, response) => json(response, 422, { status: 'error', errorType: 'execution', error: 'x' }),
      ],
      ['no JSON', (_request, response) => void response.writeHead(200).end('<html>')],
      [
        'another kind of result',
        (_request, response) => json(response, 200, { status: 'success', data: { resultType: 'vector', result: [] } }),
      ],
      ['numbers for texts', (_request, response) => json(response, 200, matrix([{ metric: {}, values: [[1, 1]] }]))],
      [
        'too many points',
        (_request, response) =>
          json(response, 200, matrix([{ metric: {}, values: Array.from({ length: 700 }, () => [1, '1']) }])),
      ],
      ['too much', (_request, response) => void response.writeHead(200).end(Buffer.alloc(3 * 1024 * 1024, 32))],
      ['nothing at all', () => undefined],
    ];
    for (const [what, answer] of refusals) {
      fake.answer = answer;
      const started = performance.now();
      const response = await ask(`/${somePanel.id}`);
      assert.equal(response.status, 503, what);
      assert.ok(response.headers.get('retry-after') !== null, what);
      const problem = (await response.json()) as Record<string, unknown>;
      assert.deepEqual([problem['code'], problem['retryable']], ['unavailable', true], what);
      assert.ok(!JSON.stringify(problem).includes(fake.origin), what);
      assert.ok(performance.now() - started < 4_000, `${what}: a wait with an end`);
    }
    for (const [environment, code] of [
      [{ PROMETHEUS_URL: 'http://127.0.0.1:9' }, 'unavailable'],
      [{}, 'not-configured'],
    ] as const) {
      const other = await start(environment);
      try {
        const refused = await ask(`/${somePanel.id}`, undefined, other.origin);
        const problem = (await refused.json()) as Record<string, unknown>;
        assert.deepEqual([refused.status, problem['code']], [503, code]);
        assert.equal((await ask('', undefined, other.origin)).status, 200);
      } finally {
        await other.stop();
      }
    }
  });

  describe('of a real Prometheus that scrapes this very bff', () => {
    let prometheus: PrivatePrometheus;
    let scraped: Bff;
    before(async () => {
      const address = new URL(bff.origin).host;
      prometheus = await startPrometheus([{ service: 'bff', instance: 'bff-test', address }]);
      scraped = await start({ PROMETHEUS_URL: prometheus.url });
    });
    after(async () => {
      await scraped.stop();
      await prometheus.stop();
    });

    it('show its breakers and its requests', async () => {
      let latest: PanelData | undefined;
      const values = async (id: string): Promise<Map<string, number>> => {
        latest = await data(`/${id}?minutes=5`, scraped.origin);
        return new Map(
          latest.series.flatMap(({ labels, points }) => {
            const value = points.findLast(([, each]) => each !== null)?.[1];
            return typeof value === 'number' ? [[labels['upstream'] ?? labels['service'] ?? '', value] as const] : [];
          }),
        );
      };
      await until('the breakers are closed', async () => (await values('mesh-breakers')).get('catalog') === 0, 30_000);
      await until(
        'requests are counted',
        async () => {
          await ask('');
          return ((await values('mesh-requests')).get('bff') ?? 0) > 0;
        },
        30_000,
      );
      assert.equal((await data('/devices-connected', scraped.origin)).series.length, 0);
    });
  });
});
