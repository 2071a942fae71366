import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, beforeEach, describe, it } from 'node:test';
import type { TestDatabase } from '@ballast/testing';
import { FakeIdentity, FakeService, json, type ReceivedRequest } from './fakes.ts';
import { Browser, freshDatabase, startBff, type Bff } from './support.ts';

describe('claims through the bff', () => {
  const identity = new FakeIdentity();
  const service = new FakeService('claims-1');
  let database: TestDatabase;
  let bff: Bff;
  before(async () => {
    database = await freshDatabase();
    await identity.start();
    await service.start();
    bff = await startBff({
      POSTGRES_URL: database.url,
      IDENTITY_URL: identity.origin,
      CLAIMS_URL: service.origin,
    });
  });
  after(async () => {
    await bff.stop();
    await identity.kill();
    await service.kill();
    await database.drop();
  });
  beforeEach(() => {
    service.requests.length = 0;
    service.answer = (_request, response) => json(response, 200, { ok: true });
  });
  const last = (): ReceivedRequest => service.calls.at(-1)!;
  const bearer = (email = 'demo@ballast.test'): Record<string, string> => ({
    authorization: `Bearer ${identity.accessToken(email)}`,
  });
  const body = { orderId: randomUUID(), reason: 'damaged', details: 'In two pieces.' };
  const post = async (path: string, content: unknown, headers: Record<string, string>): Promise<Response> =>
    await fetch(`${bff.origin}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(content),
    });

  it('are filed with the caller’s token and key, and answered byte for byte, place and replay included', async () => {
    const claimId = randomUUID();
    service.answer = (_request, response) => {
      response.setHeader('location', `/claims/${claimId}`);
      response.setHeader('idempotent-replayed', 'true');
      json(response, 200, { claimId });
    };
    const headers = bearer();
    const response = await post('/api/claims', body, { ...headers, 'idempotency-key': 'key-1' });
    assert.equal(response.status, 200);
    assert.deepEqual(await response.json(), { claimId });
    assert.equal(response.headers.get('location'), `/api/claims/${claimId}`);
    assert.equal(response.headers.get('idempotent-replayed'), 'true');
    assert.equal(response.headers.get('x-served-by'), 'claims-1');
    assert.equal(`${last().method} ${last().url}`, 'POST /claims');
    assert.equal(last().headers['idempotency-key'], 'key-1');
    assert.equal(last().headers.authorization, headers['authorization']);
    assert.deepEqual(JSON.parse(last().body.toString()), body);
  });

  it('need a key, and from a session the CSRF token', async () => {
    const without = await post('/api/claims', body, bearer());
    assert.equal(without.status, 400);
    assert.equal(((await without.json()) as { code: string }).code, 'missing-idempotency-key');
    const browser = new Browser(bff.origin);
    await browser.signIn();
    const forged = await browser.fetch('/api/claims', {
      method: 'POST',
      csrf: null,
      headers: { 'content-type': 'application/json', 'idempotency-key': 'k' },
      body: JSON.stringify(body),
    });
    assert.equal(forged.status, 403);
    assert.equal(service.calls.length, 0);
    assert.equal((await browser.post('/api/claims', body, { 'idempotency-key': 'k' })).status, 200);
  });

  it('are sent again with the same key when the connection is lost', async () => {
    let broken = false;
    service.answer = (_request, response, raw) => {
      if (broken) return json(response, 201, { ok: true });
      broken = true;
      raw.socket.destroy();
    };
    const response = await post('/api/claims', body, { ...bearer(), 'idempotency-key': 'again' });
    assert.equal(response.status, 201);
    assert.deepEqual(
      service.calls.map(({ headers }) => headers['idempotency-key']),
      ['again', 'again'],
    );
  });

  it('are read with their query, and never kept', async () => {
    const list = await fetch(`${bff.origin}/api/claims?state=open&limit=5&cursor=YQ`, { headers: bearer() });
    assert.equal(list.status, 200);
    assert.equal(list.headers.get('cache-control'), 'no-store');
    assert.deepEqual(Object.fromEntries(new URL(last().url, 'http://claims').searchParams), {
      state: 'open',
      limit: '5',
      cursor: 'YQ',
    });
    const claimId = randomUUID();
    await fetch(`${bff.origin}/api/claims/${claimId}`, { headers: bearer() });
    assert.equal(last().url, `/claims/${claimId}`);
    assert.equal((await fetch(`${bff.origin}/api/claims`)).status, 401);
  });

  it('are decided by operators only', async () => {
    const path = `/api/claims/${randomUUID()}/decision`;
    assert.equal((await post(path, { decision: 'grant' }, bearer())).status, 403);
    assert.equal(service.calls.length, 0);
    assert.equal((await post(path, { decision: 'grant' }, bearer('operator@ballast.test'))).status, 200);
    assert.equal(`/api${last().url}`, path);
    assert.deepEqual(JSON.parse(last().body.toString()), { decision: 'grant' });
  });

  it('do not keep the bff from selling while their service is away', async () => {
    await service.kill();
    const response = await post('/api/claims', body, { ...bearer(), 'idempotency-key': 'away' });
    assert.equal(response.status, 503);
    assert.equal(response.headers.get('retry-after'), '1');
    const ready = (await (await fetch(`${bff.origin}/readyz`)).json()) as { failing: Record<string, string> };
    assert.equal(ready.failing['claims'], undefined);
    await service.start();
  });
});
