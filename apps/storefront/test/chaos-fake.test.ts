/** The played mesh that `/chaos` is developed against says only what the contract says, so that nobody builds on its inventions. */
import assert from 'node:assert/strict';
import type { AddressInfo } from 'node:net';
import { after, before, it } from 'node:test';
import {
  ExperimentState,
  Experiments,
  Fault,
  FaultTargets,
  LiveMetrics,
  LiveOrders,
  LivePhase,
  LiveSnapshot,
  LiveTopology,
  LiveWire,
  LoadState,
  SagaDiagram,
  Verdicts,
  Faults,
} from '@ballast/contracts';
import type { LiveEvent } from '@ballast/contracts';
import { until } from '@ballast/testing';
import type { TSchema } from 'typebox';
import { Value } from 'typebox/value';
import { openStream } from '../src/state/chaos-stream.ts';
import { createFakeMesh } from './fake/server.ts';

const schemas: Record<LiveEvent, TSchema> = {
  snapshot: LiveSnapshot,
  topology: LiveTopology,
  phase: LivePhase,
  faults: Faults,
  invariants: Verdicts,
  orders: LiveOrders,
  load: LoadState,
  experiment: ExperimentState,
  metrics: LiveMetrics,
  wire: LiveWire,
};

const mesh = createFakeMesh('nowhere');
let url = '';
before(async () => {
  await new Promise<void>((resolve) => mesh.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(mesh.address() as AddressInfo).port}`;
});
after(() => mesh.stop());

const isLike = (schema: TSchema, value: unknown, what: string): void => {
  assert.deepEqual(Value.Errors(schema, value).slice(0, 2), [], what);
};

it('tells every slice as the contract says', async () => {
  const seen = new Set<string>();
  const wrong: unknown[] = [];
  const stream = openStream(
    `${url}/api/live`,
    {
      connection: () => undefined,
      event(name, data) {
        seen.add(name);
        wrong.push(...Value.Errors(schemas[name as LiveEvent], data).slice(0, 1));
      },
    },
    { fetch, now: Date.now, random: Math.random },
  );
  const load = { ordersPerSecond: 50, declined: 0.5, readsPerSecond: 10 };
  await fetch(`${url}/api/chaos/load`, { method: 'PUT', body: JSON.stringify(load) });
  await until('every kind of event', () => seen.size === Object.keys(schemas).length);
  stream.close();
  assert.deepEqual(wrong, []);
});

it('answers every call as the contract says', async () => {
  const get = async (path: string): Promise<unknown> => (await fetch(url + path)).json();
  isLike(FaultTargets, await get('/api/chaos/targets'), 'targets');
  isLike(Experiments, await get('/api/chaos/experiments'), 'experiments');
  isLike(SagaDiagram, await get('/api/sagas/place-order'), 'saga');
  const request = { kind: 'part', action: 'redis.freeze', seconds: 5 };
  const answer = await fetch(`${url}/api/chaos/faults`, { method: 'POST', body: JSON.stringify(request) });
  isLike(Fault, await answer.json(), 'fault');
});
