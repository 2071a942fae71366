/** What is provisioned: the dashboards are those of the panels, whole, and point at the data source that is there. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { boards, panels, seriesName } from '@ballast/contracts';
import { Type, type Static } from 'typebox';
import { Compile } from 'typebox/compile';
import { parse } from 'yaml';
import { dashboard } from '../dashboard.ts';

const folder = join(import.meta.dirname, '..');

const DataSource = Type.Object({ type: Type.Literal('prometheus'), uid: Type.String({ minLength: 1 }) });
/** What matters of Grafana's dashboard JSON (its own model is far larger and takes what it does not know in silence). */
const Dashboard = Type.Object(
  {
    uid: Type.String({ pattern: '^[a-z0-9-]{1,40}$' }),
    title: Type.String({ minLength: 1 }),
    tags: Type.Array(Type.String()),
    editable: Type.Boolean(),
    schemaVersion: Type.Integer({ minimum: 36 }),
    refresh: Type.Literal('5s'),
    time: Type.Object({ from: Type.String({ pattern: '^now-' }), to: Type.Literal('now') }),
    timepicker: Type.Object({ refresh_intervals: Type.Array(Type.String()) }),
    panels: Type.Array(
      Type.Object(
        {
          id: Type.Integer({ minimum: 1 }),
          title: Type.String({ minLength: 1 }),
          type: Type.Enum(['stat', 'timeseries', 'piechart']),
          datasource: DataSource,
          targets: Type.Array(
            Type.Object(
              {
                refId: Type.String({ minLength: 1 }),
                datasource: DataSource,
                expr: Type.String({ minLength: 1 }),
                legendFormat: Type.String({ minLength: 1 }),
                instant: Type.Boolean(),
                range: Type.Boolean(),
              },
              { additionalProperties: false },
            ),
            { minItems: 1 },
          ),
          gridPos: Type.Object({
            x: Type.Integer({ minimum: 0, maximum: 23 }),
            y: Type.Integer({ minimum: 0 }),
            w: Type.Integer({ minimum: 1, maximum: 24 }),
            h: Type.Integer({ minimum: 1 }),
          }),
          fieldConfig: Type.Object({
            defaults: Type.Object({
              unit: Type.Enum(['short', 'ops', 's', 'percentunit', 'none']),
              min: Type.Number(),
              max: Type.Optional(Type.Number()),
              decimals: Type.Optional(Type.Integer()),
              mappings: Type.Optional(
                Type.Array(Type.Object({ type: Type.Literal('value'), options: Type.Unknown() })),
              ),
            }),
            overrides: Type.Array(Type.Unknown()),
          }),
          options: Type.Unknown(),
        },
        { additionalProperties: false },
      ),
      { minItems: 1 },
    ),
  },
  { additionalProperties: false },
);
type Dashboard = Static<typeof Dashboard>;
const check = Compile(Dashboard);

const committed = (board: string): unknown =>
  JSON.parse(readFileSync(join(folder, 'dashboards', `${board}.json`), 'utf8'));
const checked = (board: string): Dashboard => {
  const json = committed(board);
  assert.deepEqual(check.Errors(json).slice(0, 3), []);
  assert.ok(check.Check(json));
  return json;
};

describe('the dashboards', () => {
  it('are those of the panels as they are now', () => {
    for (const board of boards) {
      assert.deepEqual(committed(board.id), dashboard(board), 'run: node infra/grafana/generate.ts');
    }
    assert.deepEqual(
      readdirSync(join(folder, 'dashboards')).toSorted(),
      boards.map(({ id }) => `${id}.json`).toSorted(),
    );
  });

  it('are dashboards: every panel has a title, a type, a data source and a query, and lies beside the others', () => {
    const uids = boards.map(({ id }) => checked(id).uid);
    assert.equal(new Set(uids).size, uids.length);
    for (const { id } of boards) {
      const { panels: drawn } = checked(id);
      assert.equal(new Set(drawn.map((panel) => panel.id)).size, drawn.length);
      const taken = new Set<string>();
      for (const { gridPos, title } of drawn) {
        assert.ok(gridPos.x + gridPos.w <= 24, title);
        for (let x = gridPos.x; x < gridPos.x + gridPos.w; x += 1) {
          for (let y = gridPos.y; y < gridPos.y + gridPos.h; y += 1) {
            assert.ok(!taken.has(`${x} ${y}`), `${title} covers another panel`);
            taken.add(`${x} ${y}`);
          }
        }
      }
    }
  });

  it('would be seen to be broken', () => {
    const whole = checked('devices');
    const [first] = whole.panels;
    assert.ok(first !== undefined);
    const broken: unknown[] = [
      { ...whole, refresh: '1m' },
      { ...whole, panels: [{ ...first, title: '' }] },
      { ...whole, panels: [{ ...first, targets: [] }] },
      { ...whole, panels: [{ ...first, type: 'graph' }] },
      { ...whole, panels: [{ ...first, tpye: 'stat' }] },
    ];
    for (const json of broken) assert.equal(check.Check(json), false);
  });

  it('show of devices four numbers, two lines over time and the reasons as a pie', () => {
    const { title, panels: drawn } = checked('devices');
    assert.equal(title, 'Device authentication');
    const of = (type: string): number => drawn.filter((panel) => panel.type === type).length;
    assert.deepEqual([of('stat'), of('timeseries'), of('piechart')], [4, 2, 1]);
    assert.equal(
      drawn.find(({ type }) => type === 'piechart')?.targets[0]?.expr,
      'sum by (reason) (auth_failures_total)',
    );
  });

  it('name labels in their legends that their queries keep, and states where the unit is one', () => {
    assert.equal(new Set(panels.map(({ id }) => id)).size, panels.length);
    for (const { id, legend, expr, unit, states } of panels) {
      assert.match(id, /^[a-z0-9-]{1,60}$/);
      for (const [, label = ''] of legend.matchAll(/\{\{(\w+)\}\}/g)) {
        assert.match(expr, new RegExp(`by \\([^)]*\\b${label}\\b|"${label}"`), `${id}: ${label}`);
      }
      assert.equal(states !== undefined, unit === 'state', id);
    }
    assert.equal(seriesName('{{queue}} {{outcome}}', { queue: 'orders', outcome: 'handled' }), 'orders handled');
    assert.equal(seriesName('{{queue}}', {}), 'value');
  });

  it('are provisioned with the data source they ask', () => {
    const read = (file: string): Record<string, Record<string, unknown>[]> =>
      parse(readFileSync(join(folder, 'provisioning', file), 'utf8')) as Record<string, Record<string, unknown>[]>;
    const [source] = read('datasources/prometheus.yml')['datasources'] ?? [];
    assert.ok(source !== undefined);
    for (const { id } of boards) {
      for (const panel of checked(id).panels) {
        for (const { uid, type } of [panel.datasource, ...panel.targets.map((target) => target.datasource)]) {
          assert.deepEqual([uid, type], [source['uid'], source['type']]);
        }
      }
    }
    const [provider] = read('dashboards/ballast.yml')['providers'] ?? [];
    assert.deepEqual(provider?.['options'], { path: '/etc/grafana/dashboards' });
  });
});
