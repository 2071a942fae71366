/** The played Prometheus that `/metrics-view` is developed against says only what the contract says, of every panel there is. */
import assert from 'node:assert/strict';
import type { AddressInfo } from 'node:net';
import { after, before, it } from 'node:test';
import { PanelData, PanelList, panels } from '@ballast/contracts';
import { Value } from 'typebox/value';
import { failureOf } from '../src/metrics/freshness.ts';
import { errorFromAnswer } from '../src/api/errors.ts';
import { chartData, summarize } from '../src/metrics/series.ts';
import { formatValue } from '../src/metrics/units.ts';
import { createFakeMesh } from './fake/server.ts';

const mesh = createFakeMesh('nowhere');
let url = '';
before(async () => {
  await new Promise<void>((resolve) => mesh.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(mesh.address() as AddressInfo).port}`;
});
after(() => mesh.stop());

const ask = (path: string): Promise<Response> => fetch(`${url}/api/metrics/panels${path}`);

it('tells every panel as the contract says, and the page can show it', async () => {
  const list: unknown = await (await ask('')).json();
  assert.deepEqual(Value.Errors(PanelList, list).slice(0, 2), []);
  for (const { id } of panels) {
    for (const minutes of [5, 360]) {
      const data = (await (await ask(`/${id}?minutes=${minutes}`)).json()) as PanelData;
      assert.deepEqual(Value.Errors(PanelData, data).slice(0, 2), [], id);
      const { times, series } = chartData(data);
      assert.ok(series.length > 0, id);
      for (const one of series) {
        assert.equal(one.values.length, times.length);
        const { latest } = summarize(one, times);
        assert.match(formatValue(latest, data.panel.unit, data.panel.states), /\S/);
        if (data.panel.unit === 'state')
          assert.ok(data.panel.states!.includes(formatValue(latest, 'state', data.panel.states)));
      }
      assert.equal(new Set(series.map(({ name }) => name)).size, series.length, `names of ${id}`);
    }
  }
  assert.equal((await ask('/nowhere')).status, 404);
});

it('refuses as the bff does where Prometheus is gone or never was', async () => {
  const reasons: string[] = [];
  for (const state of ['down', 'absent']) {
    await fetch(`${url}/fake/prometheus/${state}`, { method: 'POST' });
    const answer = await ask('/mesh-requests');
    const error = errorFromAnswer(
      { status: answer.status, body: await answer.text(), retryAfter: answer.headers.get('retry-after') },
      0,
    );
    reasons.push(failureOf(error).reason);
  }
  assert.deepEqual(reasons, ['prometheus', 'absent']);
});
