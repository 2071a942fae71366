/** The metrics server beside a mesh: there when it can be had, kept alive, gone with the rest, and missed by nobody. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { type LabEvent, type Mesh, type MeshOptions, startMesh } from '../src/index.ts';
import { metricsPage, planMetrics } from '../src/metrics-server.ts';
import { labPaths } from '../src/paths.ts';
import { isPortFree } from '../src/ports.ts';
import { processesMarked } from '../src/process-table.ts';
import type { Topology, TopologyContext } from '../src/topology.ts';
import { until } from '../src/waiting.ts';
import { findPortBase, fixtureTopology, temporaryFolder } from './support.ts';

/** Fixture services with the metrics server that the whole mesh has. */
const topology = (context: TopologyContext): Topology => {
  const metrics = planMetrics(context);
  const { urls, ...rest } = fixtureTopology([])(context);
  return { ...rest, metrics, urls: { ...urls, [metricsPage]: metrics.url } };
};

type Lab = { mesh: Mesh; events: LabEvent[]; folder: string; portBase: number };

async function lab(context: TestContext, changes: Partial<MeshOptions> = {}): Promise<Lab> {
  const folder = changes.dataDirectory ?? temporaryFolder();
  const events: LabEvent[] = [];
  const portBase = await findPortBase();
  const mesh = await startMesh({
    dataDirectory: folder,
    portBase,
    parts: 'native',
    environment: { PATH: process.env['PATH'] },
    topology,
    onEvent: (event) => events.push(event),
    ...changes,
  });
  context.after(async () => await mesh.stop());
  return { mesh, events, folder, portBase };
}

const complaints = (events: readonly LabEvent[]): string[] =>
  events.flatMap((event) => (event.type === 'log' && event.component === 'prometheus' ? [event.message] : []));

test('it is a component like any other: told of, with its rules, restarted after a kill, stopped with the rest', async (context) => {
  const { mesh, events, folder, portBase } = await lab(context);
  const url = `http://127.0.0.1:${portBase + 90}`;
  assert.equal(mesh.pages[metricsPage], url);
  await mesh.waitUntilReady(['prometheus']);
  const ready = events.find(
    (event) => event.type === 'state' && event.component === 'prometheus' && event.state === 'ready',
  );
  assert.ok(ready?.type === 'state' && ready.address === url);
  const rules = await (await fetch(`${url}/api/v1/rules`)).text();
  assert.match(rules, /InstanceDown/);

  assert.equal(await mesh.kill('prometheus'), true);
  await mesh.waitUntilReady(['prometheus']);
  assert.equal((await fetch(`${url}/-/ready`)).status, 200);
  assert.equal(mesh.status().find(({ name }) => name === 'prometheus')?.restarts, 1);
  assert.deepEqual(complaints(events), []);

  await mesh.stop();
  assert.deepEqual(processesMarked(folder), []);
  assert.ok(await isPortFree(portBase + 90));
});

test('a mesh that is stopped at once leaves none behind', async (context) => {
  const { mesh, folder, portBase } = await lab(context);
  await mesh.stop();
  assert.deepEqual(processesMarked(folder), []);
  assert.ok(await isPortFree(portBase + 90));
});

test('where it cannot be had there is one line about it, and a mesh without it', async (context) => {
  const folder = temporaryFolder();
  const { data } = labPaths(folder);
  mkdirSync(data, { recursive: true });
  // Its folder cannot be made: as good a reason as a package that is not to be had.
  writeFileSync(join(data, 'prometheus'), '');
  const { mesh, events } = await lab(context, { dataDirectory: folder });
  assert.ok(await until(() => complaints(events).length > 0, { timeout: 30_000 }));
  assert.equal(complaints(events).length, 1);
  assert.match(complaints(events)[0] ?? '', /\. The mesh runs without a metrics server\.$/);
  assert.equal((await fetch(`${mesh.urls['second']}/readyz`)).status, 200);
  assert.equal(
    mesh.status().find(({ name }) => name === 'prometheus'),
    undefined,
  );
  await mesh.waitUntilReady();
});

test('PROMETHEUS_URL names another, and nothing is started', async (context) => {
  const other = createServer((_request, response) => response.end());
  other.listen(0, '127.0.0.1');
  await once(other, 'listening');
  context.after(() => other.close());
  const url = `http://127.0.0.1:${(other.address() as AddressInfo).port}`;
  const environment = { PATH: process.env['PATH'], PROMETHEUS_URL: url };
  const { mesh, events, portBase } = await lab(context, { parts: 'auto', environment });
  assert.equal(mesh.pages[metricsPage], url);
  const told = (): boolean =>
    events.some((event) => event.type === 'state' && event.component === 'prometheus' && event.state === 'ready');
  assert.ok(await until(told, { timeout: 10_000 }));
  assert.ok(await isPortFree(portBase + 90));
  assert.equal(
    mesh.status().find(({ name }) => name === 'prometheus'),
    undefined,
  );
});

test('one that is named and away is one line, and a mesh without it', async (context) => {
  const environment = { PATH: process.env['PATH'], PROMETHEUS_URL: 'http://me:secret@127.0.0.1:9' };
  const { events } = await lab(context, { parts: 'auto', environment });
  assert.ok(await until(() => complaints(events).length > 0, { timeout: 10_000 }));
  assert.match(complaints(events)[0] ?? '', /127\.0\.0\.1:9 did not accept a connection[^]*PROMETHEUS_URL/);
  assert.doesNotMatch(complaints(events)[0] ?? '', /secret/);
});
