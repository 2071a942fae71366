/** The way to the chaos controller itself: a process of its own behind the bff, over a mesh of one. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ExperimentState, Fault, FaultTargets, Faults, type Experiment, type FaultRequest } from '@ballast/contracts';
import { configureFaults } from '@ballast/faults';
import { freePort, spawnService, until, type ServiceProcess, type TestDatabase } from '@ballast/testing';
import type { Static, TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import { FakeIdentity, FakeService, json } from './fakes.ts';
import { Browser, freshDatabase, startBff, type Bff } from './support.ts';

const main = fileURLToPath(new URL('../../chaos/src/main.ts', import.meta.url));
const operator = 'operator@ballast.test';
const customer = 'demo@ballast.test';
const writes = [
  ['POST', '/faults'],
  ['DELETE', '/faults'],
  ['PUT', '/load'],
  ['POST', '/experiment'],
  ['DELETE', '/experiment'],
  ['POST', '/recording'],
  ['DELETE', '/recording'],
] as const;
const reads = ['/targets', '/faults', '/load', '/experiment', '/experiments'];

describe('the chaos controller behind the bff', () => {
  const identity = new FakeIdentity();
  const victim = new FakeService('victim-1');
  let armed: string[];
  let database: TestDatabase;
  let environment: Record<string, string>;
  let bff: Bff;
  let controller: ServiceProcess;

  before(async () => {
    configureFaults({ labMode: true, faults: '' });
    await Promise.all([identity.start(), victim.start()]);
    armed = [];
    victim.answer = ({ method, url, headers }, response) => {
      if (url === '/readyz') return json(response, 200, {});
      if (headers.authorization === undefined) return json(response, 401, {});
      const point = /^\/lab\/faults\/(.+)$/.exec(url)?.[1];
      if (method === 'PUT') armed.push(point!);
      if (method === 'DELETE') armed = armed.filter((each) => each !== point);
      if (method !== 'GET') return void response.writeHead(204).end();
      const now = armed.map((each) => ({ point: each, action: 'error', times: null, until: null }));
      return json(response, 200, { points: ['victim.work'], places: {}, armed: now, defects: [] });
    };
    database = await freshDatabase();
    const port = String(await freePort());
    controller = await startController(port);
    environment = {
      POSTGRES_URL: database.url,
      IDENTITY_URL: identity.origin,
      CHAOS_URL: controller.url,
      LAB_MODE: '1',
    };
    bff = await startBff(environment);
  });
  beforeEach(async () => {
    await call('DELETE', '/experiment');
    await call('DELETE', '/faults');
    await until('no fault is left', () => armed.length === 0);
  });
  after(async () => {
    await bff.stop();
    await controller.end('SIGKILL');
    configureFaults({ labMode: false, faults: '' });
    await database.drop();
    await Promise.all([identity.kill(), victim.kill()]);
  });

  const startController = async (port: string): Promise<ServiceProcess> => {
    const process = await spawnService(main, {
      PORT: port,
      INSTANCE: 'chaos',
      LAB_MODE: '1',
      IDENTITY_URL: identity.origin,
      OPERATOR_EMAIL: operator,
      OPERATOR_PASSWORD: 'ballast-operator',
      INSTANCES: `victim-1=${victim.origin}`,
    });
    await process.ready();
    return process;
  };
  const bearer = (email: string): Record<string, string> => ({
    authorization: `Bearer ${identity.accessToken(email)}`,
  });
  const ask = (url: string, method = 'GET', headers: Record<string, string> = {}, body?: unknown): Promise<Response> =>
    fetch(url, {
      method,
      headers: { ...headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  const call = (method: string, path: string, body?: unknown): Promise<Response> =>
    ask(`${bff.origin}/api/chaos${path}`, method, bearer(operator), body);
  const expectBody = async <Schema extends TSchema>(
    schema: Schema,
    status: number,
    response: Response,
  ): Promise<Static<Schema>> => {
    const body: unknown = await response.json();
    assert.equal(response.status, status, JSON.stringify(body));
    assert.deepEqual([...Compile(schema).Errors(body)], []);
    return body as Static<Schema>;
  };
  const problemOf = async (response: Response): Promise<{ status: number; code: string; field?: string }> => {
    assert.match(response.headers.get('content-type') ?? '', /^application\/problem\+json/);
    return (await response.json()) as { status: number; code: string; field?: string };
  };
  const fault: FaultRequest = {
    kind: 'point',
    instance: 'victim-1',
    point: 'victim.work',
    action: 'error',
    seconds: 60,
  };
  const experiment: Experiment = { version: 1, name: 'a test', seed: 1, seconds: 60, steps: [{ at: 0, fault }] };

  it('lets operators break, look, and heal', async () => {
    const targets = await expectBody(FaultTargets, 200, await call('GET', '/targets'));
    assert.deepEqual(targets.instances, [{ instance: 'victim-1', service: 'victim', points: ['victim.work'] }]);
    const answer = await call('POST', '/faults', fault);
    assert.equal(answer.headers.get('x-served-by'), 'chaos');
    const location = answer.headers.get('location')!;
    const injected = await expectBody(Fault, 201, answer);
    assert.deepEqual([location, armed], [`/api/chaos/faults/${injected.id}`, ['victim.work']]);
    const same = await ask(bff.origin + location, 'GET', bearer(operator));
    assert.equal((await expectBody(Fault, 200, same)).state, 'active');
    const healed = await expectBody(Fault, 200, await call('DELETE', `/faults/${injected.id}`));
    assert.deepEqual([healed.state === 'active', armed], [false, []]);
    assert.ok((await expectBody(Faults, 200, await call('GET', '/faults'))).items.length > 0);
  });

  it('passes on what the controller says no to, with its reason and field', async () => {
    await expectBody(ExperimentState, 202, await call('POST', '/experiment', experiment));
    const second = await call('POST', '/experiment', experiment);
    assert.deepEqual([second.status, (await problemOf(second)).code], [409, 'conflict']);
    for (const [method, path, body, field] of [
      ['POST', '/experiment', { ...experiment, seed: -1 }, 'seed'],
      ['POST', '/faults', { ...fault, instance: 'victim-9' }, 'instance'],
      ['PUT', '/load', { ordersPerSecond: -1, declined: 0, readsPerSecond: 0 }, 'ordersPerSecond'],
    ] as const) {
      const answer = await call(method, path, body);
      const { status, field: named } = await problemOf(answer);
      assert.deepEqual([answer.status, status, named], [422, 422, field]);
    }
    assert.equal((await call('GET', '/nowhere')).status, 404);
    const stopped = await expectBody(ExperimentState, 200, await call('DELETE', '/experiment'));
    assert.equal(stopped.phase, 'stopped');
    await until('what it had broken is healed', () => armed.length === 0);
  });

  it('lets nobody else in, neither here nor at the controller', async () => {
    await call('POST', '/faults', fault);
    const all: (readonly [method: string, path: string])[] = [
      ...reads.map((path) => ['GET', path] as const),
      ...writes,
      ['GET', '/live'],
    ];
    for (const [method, path] of all) {
      const sent: unknown = method === 'POST' && path === '/faults' ? fault : undefined;
      const here = bff.origin + (path === '/live' ? '/api/live' : `/api/chaos${path}`);
      for (const url of [here, controller.url + path]) {
        assert.equal((await ask(url, method, {}, sent)).status, 401, `${method} ${url}`);
        assert.equal((await ask(url, method, bearer(customer), sent)).status, 403, `${method} ${url}`);
      }
    }
    const { items } = await expectBody(Faults, 200, await call('GET', '/faults'));
    assert.equal(items.filter(({ state }) => state === 'active').length, 1);
  });

  it('takes no writes from a page without its CSRF token', async () => {
    const page = new Browser(bff.origin);
    await page.signIn(operator, 'ballast-operator');
    for (const csrf of [null, 'guessed']) {
      for (const [method, path] of writes) {
        const refused = await page.fetch(`/api/chaos${path}`, { method, csrf });
        assert.deepEqual([refused.status, (await problemOf(refused)).code], [403, 'invalid-csrf-token'], path);
      }
    }
    for (const path of reads) assert.equal((await page.fetch(`/api/chaos${path}`)).status, 200, path);
    assert.equal((await page.post('/api/chaos/faults', fault)).status, 201);
    assert.deepEqual(armed, ['victim.work']);
    const visitor = new Browser(bff.origin);
    await visitor.session();
    assert.equal((await visitor.post('/api/chaos/faults', fault)).status, 401);
    await visitor.signIn(customer);
    assert.equal((await visitor.post('/api/chaos/faults', fault)).status, 403);
  });

  it('does not show how the controller is run, nor let it be broken itself', async () => {
    for (const [method, path, own] of [
      ['GET', '/healthz', 200],
      ['GET', '/readyz', 200],
      ['GET', '/metrics', 200],
      ['GET', '/openapi.json', 200],
      ['GET', '/lab/faults', 200],
      ['GET', '/lab/wire', 200],
      ['DELETE', '/lab/faults', 200],
      ['PUT', '/lab/faults/process.tick', 422],
      ['GET', '/live', 200],
    ] as const) {
      const body = method === 'PUT' ? {} : undefined;
      const direct = await ask(controller.url + path, method, bearer(operator), body);
      await direct.body?.cancel();
      assert.equal(direct.status, own, `the controller has ${method} ${path}`);
      for (const written of [path, `${path}?x=1`]) {
        const answer = await call(method, written, body);
        assert.deepEqual([answer.status, (await problemOf(answer)).code], [404, 'not-found'], written);
      }
    }
  });

  it('shows its live stream', async () => {
    const reading = new AbortController();
    const headers = bearer(operator);
    const response = await fetch(`${bff.origin}/api/live`, { headers, signal: reading.signal });
    assert.equal(response.status, 200);
    let text = '';
    const read = (async () => {
      for await (const piece of response.body ?? []) text += Buffer.from(piece).toString();
    })().catch((error: unknown) => assert.ok(reading.signal.aborted, String(error)));
    await until('the snapshot', () => /^event: snapshot$/m.test(text));
    const { id } = await expectBody(Fault, 201, await call('POST', '/faults', fault));
    await until('the fault is in it', () => text.includes(id));
    reading.abort();
    await read;
  });

  it('is a clear 503 while it is away, and is found again', async () => {
    await call('POST', '/faults', fault);
    await controller.end('SIGKILL');
    for (const [method, path] of [
      ['GET', '/api/chaos/faults'],
      ['DELETE', '/api/chaos/faults'],
      ['GET', '/api/live'],
    ] as const) {
      const answer = await ask(bff.origin + path, method, bearer(operator));
      assert.deepEqual([answer.status, (await problemOf(answer)).code], [503, 'unavailable'], path);
      assert.notEqual(answer.headers.get('retry-after'), null);
    }
    // The rest of the bff does not mind.
    assert.equal((await fetch(`${bff.origin}/api/session`)).status, 200);
    controller = await startController(new URL(controller.url).port);
    await until('it is found', async () => (await call('GET', '/faults')).status === 200);
    assert.deepEqual((await expectBody(Faults, 200, await call('GET', '/faults'))).items, []);
    // What the killed one has armed ends at its own time: here nobody counts it down.
    armed = [];
  });

  it('is not there at all outside the lab', async () => {
    configureFaults({ labMode: false, faults: '' });
    const outside = await startBff({ ...environment, LAB_MODE: '0' });
    configureFaults({ labMode: true, faults: '' });
    try {
      const all = [...reads.map((path) => ['GET', path] as const), ...writes];
      for (const [method, path] of all) {
        for (const headers of [bearer(operator), bearer(customer), {}]) {
          const answer = await ask(`${outside.origin}/api/chaos${path}`, method, headers);
          assert.equal(answer.status, 404, `${method} ${path}`);
        }
      }
      assert.equal((await ask(`${outside.origin}/api/live`, 'GET', bearer(operator))).status, 404);
    } finally {
      await outside.stop();
    }
    const refusing = await spawnService(main, { IDENTITY_URL: identity.origin });
    assert.deepEqual(await refusing.ended, { code: 1, signal: null });
    assert.match(refusing.errors.join('\n'), /LAB_MODE: must be 1/);
  });
});
