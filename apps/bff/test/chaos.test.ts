import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { after, before, beforeEach, describe, it } from 'node:test';
import { configureFaults } from '@ballast/faults';
import { until, type TestDatabase } from '@ballast/testing';
import { Agent } from 'undici';
import { FakeIdentity, FakeService, json, problemAnswer } from './fakes.ts';
import { Browser, freshDatabase, startBff, type Bff } from './support.ts';

const operator = 'operator@ballast.test';

describe('the way to the chaos controller', () => {
  const identity = new FakeIdentity();
  const chaos = new FakeService('chaos');
  const agent = new Agent();
  const open: ServerResponse[] = [];
  let database: TestDatabase;
  let environment: Record<string, string>;
  let bff: Bff;

  before(async () => {
    configureFaults({ labMode: true, faults: '' });
    await Promise.all([identity.start(), chaos.start()]);
    database = await freshDatabase();
    environment = {
      POSTGRES_URL: database.url,
      IDENTITY_URL: identity.origin,
      CHAOS_URL: `${chaos.origin}/`,
      LAB_MODE: '1',
    };
    bff = await startBff(environment);
  });
  after(async () => {
    configureFaults({ labMode: false, faults: '' });
    await agent.destroy();
    await bff.stop();
    await database.drop();
    await Promise.all([identity, chaos].map((service) => service.kill()));
  });
  beforeEach(async () => {
    open.length = 0;
    await until('earlier streams are over', () => chaos.requests.every(({ url }) => url !== '/live') || noStreams());
    chaos.requests.length = 0;
    chaos.answer = (request, response) => {
      if (request.url !== '/live') {
        return json(response, 200, { method: request.method, url: request.url, body: request.body.toString() });
      }
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('event: snapshot\nid: 1-1\ndata: {}\n\n');
      open.push(response);
    };
  });

  const noStreams = async (): Promise<boolean> =>
    (await (await fetch(`${bff.origin}/metrics`)).text()).match(/^bff_open_streams\S* 0$/m) !== null;
  const bearer = (email = operator, family?: string): Record<string, string> => ({
    authorization: `Bearer ${identity.accessToken(email, family)}`,
  });
  const call = (path: string, init: RequestInit = {}, origin = bff.origin): Promise<Response> =>
    fetch(origin + path, {
      ...init,
      headers: {
        ...bearer(),
        ...(init.body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(init.headers as Record<string, string> | undefined),
      },
    });
  const listen = async (
    origin = bff.origin,
    headers: Record<string, string> = {},
  ): Promise<{ response: Response; text: () => string; stop: () => void; ended: Promise<void> }> => {
    const controller = new AbortController();
    const response = await call('/api/live', { headers, signal: controller.signal }, origin);
    let text = '';
    const ended = (async () => {
      try {
        for await (const chunk of response.body ?? []) text += Buffer.from(chunk).toString();
      } catch (error) {
        if (!controller.signal.aborted) throw error;
      }
    })();
    return { response, text: () => text, stop: () => controller.abort(), ended };
  };

  it('is for operators', async () => {
    for (const path of ['/api/chaos/faults', '/api/live']) {
      assert.equal((await fetch(bff.origin + path)).status, 401, path);
      assert.equal((await fetch(bff.origin + path, { headers: bearer('demo@ballast.test') })).status, 403, path);
    }
    const deletion = { method: 'DELETE' };
    assert.equal((await fetch(`${bff.origin}/api/chaos/faults`, deletion)).status, 401);
    assert.equal(chaos.calls.length, 0);
    assert.equal((await call('/api/chaos/faults')).status, 200);
  });

  it('is not there outside the lab, nor without a controller', async () => {
    const { CHAOS_URL: _, ...without } = environment;
    const lonely = await startBff(without);
    configureFaults({ labMode: false, faults: '' });
    const outside = await startBff({ ...environment, LAB_MODE: '0' });
    configureFaults({ labMode: true, faults: '' });
    try {
      for (const { origin } of [lonely, outside]) {
        for (const path of ['/api/chaos/faults', '/api/live']) {
          assert.equal((await call(path, {}, origin)).status, 404, path);
          assert.equal((await fetch(origin + path)).status, 404, path);
        }
      }
      assert.equal(chaos.calls.length, 0);
    } finally {
      await Promise.all([lonely.stop(), outside.stop()]);
    }
  });

  it('hands calls on with body, query and token, and their answers back', async () => {
    const injected = await call('/api/chaos/faults', { method: 'POST', body: '{"kind":"part"}' });
    assert.deepEqual(await injected.json(), { method: 'POST', url: '/faults', body: '{"kind":"part"}' });
    assert.match(chaos.calls[0]!.headers.authorization!, /^Bearer /);
    assert.equal(injected.headers.get('x-served-by'), 'chaos');
    assert.equal(injected.headers.get('cache-control'), 'no-store');
    const id = randomUUID();
    for (const [method, path] of [
      ['GET', '/faults?x=1'],
      ['PUT', '/load'],
      ['DELETE', `/faults/${id}`],
    ] as const) {
      const answer = (await (await call(`/api/chaos${path}`, { method })).json()) as { method: string; url: string };
      assert.deepEqual([answer.method, answer.url], [method, path]);
    }
    chaos.answer = (_request, response) => json(response, 201, {}, { location: `/faults/${id}` });
    assert.equal((await call('/api/chaos/faults')).headers.get('location'), `/api/chaos/faults/${id}`);
    chaos.answer = (_request, response) => problemAnswer(response, 422, 'invalid-input');
    assert.equal((await call('/api/chaos/faults')).status, 422);
  });

  it('takes experiments of half a megabyte, and nothing larger', async () => {
    const document = (length: number): RequestInit => ({ method: 'POST', body: JSON.stringify('x'.repeat(length)) });
    assert.equal((await call('/api/chaos/experiment', document(500_000))).status, 200);
    assert.equal((await call('/api/chaos/experiment', document(530_000))).status, 413);
  });

  it('hands nothing else on', async () => {
    for (const [path, status] of [
      ['/api/chaos/a%2F..%2Fb', 400],
      ['/api/chaos/%2e%2e/faults', 400],
      ['/api/chaos//faults', 400],
      ['/api/chaos/a;b', 400],
      ['/api/chaos/', 400],
      ['/api/chaos/lab/faults', 404],
      ['/api/chaos/live', 404],
      ['/api/chaos/metrics', 404],
    ] as const) {
      // As it stands: fetch would tidy the path up.
      const answer = await agent.request({ origin: bff.origin, path, method: 'GET', headers: bearer() });
      await answer.body.dump();
      assert.equal(answer.statusCode, status, path);
    }
    assert.equal(chaos.calls.length, 0);
  });

  it('asks pages for their CSRF token', async () => {
    const browser = new Browser(bff.origin);
    await browser.signIn(operator, 'ballast-operator');
    assert.equal((await browser.fetch('/api/chaos/faults', { method: 'DELETE', csrf: null })).status, 403);
    assert.equal(chaos.calls.length, 0);
    assert.equal((await browser.fetch('/api/chaos/faults', { method: 'DELETE' })).status, 200);
  });

  it('says 503 with Retry-After at once when the controller is away, and finds it again', async () => {
    await chaos.kill();
    for (const path of ['/api/chaos/faults', '/api/live']) {
      const took: number[] = [];
      // Riding it out takes a second every time; a machine that stands still meanwhile does so once.
      while (took.length < 3 && !took.some((milliseconds) => milliseconds < 1_000)) {
        const began = performance.now();
        const answer = await call(path);
        took.push(performance.now() - began);
        assert.equal(answer.status, 503, path);
        assert.notEqual(answer.headers.get('retry-after'), null);
        await answer.body?.cancel();
      }
      assert.ok(
        took.some((milliseconds) => milliseconds < 1_000),
        `${path}: ${took.join(', ')} ms`,
      );
    }
    await chaos.start();
    await until('the controller is back', async () => (await call('/api/chaos/faults')).status === 200);
  });

  it('streams what happens as it comes, and resumes', async () => {
    const stream = await listen(bff.origin, { 'last-event-id': '7-12' });
    assert.equal(stream.response.status, 200);
    assert.equal(stream.response.headers.get('content-type'), 'text/event-stream; charset=utf-8');
    assert.equal(chaos.calls[0]!.headers['last-event-id'], '7-12');
    assert.equal(chaos.calls[0]!.headers.accept, 'text/event-stream, application/problem+json');
    await until('the snapshot', () => stream.text().includes('snapshot'));
    open[0]!.write('event: faults\ndata: {}\n\n');
    await until('the next event', () => stream.text().includes('event: faults'));
    stream.stop();
    await stream.ended;
    await until('the controller has lost its reader', () => open[0]!.destroyed);
  });

  it('ends a stream when its reader is signed out, when the bff leaves, and when the controller dies', async () => {
    const family = randomUUID();
    identity.families.set(family, operator);
    const revoked = await listen(bff.origin, bearer(operator, family));
    await until('the stream is open', () => revoked.text().includes('snapshot'));
    await fetch(`${identity.origin}/logout`, { method: 'POST', headers: bearer(operator, family) });
    await revoked.ended;

    const leaving = await startBff(environment);
    const stream = await listen(leaving.origin);
    leaving.server.startDraining();
    await stream.ended;
    assert.equal((await listen(leaving.origin)).response.status, 503);
    await leaving.stop();

    const orphan = await listen();
    await until('the stream is open', () => orphan.text().includes('snapshot'));
    await chaos.kill();
    await orphan.ended;
    await chaos.start();
  });

  it('has a bounded number of streams for one reader', async () => {
    const token = bearer();
    const streams = await Promise.all(Array.from({ length: 20 }, () => listen(bff.origin, token)));
    assert.deepEqual(new Set(streams.map(({ response }) => response.status)), new Set([200]));
    const further = await listen(bff.origin, token);
    assert.equal(further.response.status, 429);
    assert.notEqual(further.response.headers.get('retry-after'), null);
    for (const stream of streams) stream.stop();
  });

  it('is open to a known operator while nobody can say who was signed out', async () => {
    const other = await startBff(environment);
    try {
      await until(
        'tokens can be checked',
        async () => (await call('/api/chaos/faults', {}, other.origin)).status === 200,
      );
      identity.outage = 503;
      const order = { method: 'POST', body: '{}', headers: { 'idempotency-key': randomUUID() } };
      await until('writes are refused elsewhere', async () => {
        return (await call('/api/orders', order, other.origin)).status === 503;
      });
      assert.equal((await call('/api/chaos/faults', { method: 'DELETE' }, other.origin)).status, 200);
    } finally {
      identity.outage = null;
      await other.stop();
    }
  });
});
