import assert from 'node:assert/strict';
import { randomUUIDv7 } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { configureFaults, plantDefect } from '@ballast/faults';
import { testIdentity, until, type TestIdentity } from '@ballast/testing';
import { createHttpServer, createLogger, createMetrics, type HttpServer } from '../src/index.ts';

describe('revoked tokens', () => {
  let identity: TestIdentity;
  let server: HttpServer;

  before(async () => {
    identity = await testIdentity();
    server = await createHttpServer({
      name: 'test',
      instance: 'test-1',
      logger: createLogger({ service: 'test', instance: 'test-1', level: 'silent' }),
      metrics: createMetrics({ service: 'test', instance: 'test-1' }),
      checks: [],
      issuer: identity.url,
    });
    server.get('/thing', async () => ({ read: true }));
    server.post('/thing', async () => ({ written: true }));
    await server.ready();
  });
  after(async () => {
    configureFaults({ labMode: false, faults: '' });
    await server.close();
    await identity.close();
  });

  const call = async (method: 'GET' | 'POST', token: string): Promise<number> =>
    (await server.inject({ method, url: '/thing', headers: { authorization: `Bearer ${token}` } })).statusCode;

  it('are refused by their id and by that of their session, long before they expire', async () => {
    const [tokenId, sessionId] = [randomUUIDv7(), randomUUIDv7()];
    const single = identity.token({}, { jti: tokenId });
    const ofSession = identity.token({}, { sid: sessionId });
    const bystander = identity.token({}, { sid: randomUUIDv7() });
    for (const token of [single, ofSession, bystander]) assert.equal(await call('GET', token), 200);
    identity.revoke(tokenId);
    identity.revoke(sessionId);
    await until(
      'both are refused',
      async () => (await call('GET', single)) === 401 && (await call('GET', ofSession)) === 401,
    );
    assert.equal(await call('POST', ofSession), 401);
    assert.equal(await call('POST', bystander), 200);
  });

  it('end open connections in the moment they are heard of', async () => {
    const sessionId = randomUUIDv7();
    let ended = 0;
    const stop = server.revocations!.onRevoked({ tokenId: randomUUIDv7(), sessionId }, () => (ended += 1));
    const stopped = server.revocations!.onRevoked({ tokenId: randomUUIDv7(), sessionId }, () => (ended += 100));
    stopped();
    identity.revoke(sessionId);
    await until('the connection was told', () => ended > 0);
    assert.equal(ended, 1);
    stop();
    server.revocations!.onRevoked({ tokenId: randomUUIDv7(), sessionId }, () => (ended += 1));
    assert.equal(ended, 2, 'one that opens after the revocation is told at once');
  });

  it('cannot be known of without identity: reads go on, writes are refused after five seconds, until it is back', async () => {
    const token = identity.token();
    identity.setSilent(true);
    assert.equal(await call('POST', token), 200, 'a view that is a moment old is good enough');
    await until('writes are refused', async () => (await call('POST', token)) === 503);
    assert.ok(server.revocations!.age() > 5_000);
    assert.equal(await call('GET', token), 200);
    identity.setSilent(false);
    await until('writes are let in again', async () => (await call('POST', token)) === 200);
  });

  it('are noticed by this test: with the check left out they are let in', async () => {
    configureFaults({ labMode: true, faults: '' });
    plantDefect('service.ignore-revocations');
    const sessionId = randomUUIDv7();
    const token = identity.token({}, { sid: sessionId });
    let heard = false;
    // Another id of the same news: the view has taken both by then.
    const other = randomUUIDv7();
    server.revocations!.onRevoked({ tokenId: other, sessionId: null }, () => (heard = true));
    identity.revoke(sessionId);
    identity.revoke(other);
    await until('the view has heard', () => heard);
    assert.equal(await call('GET', token), 200);
  });
});
