import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { after, before, describe, it } from 'node:test';
import { testIdentity, type TestIdentity } from '@ballast/testing';
import {
  authentication,
  bearerVerifier,
  createHttpServer,
  createLogger,
  createMetrics,
  type HttpServer,
} from '../src/index.ts';

const userId = '0199a2f4-0000-7000-8000-000000000001';

describe('who is calling', () => {
  let identity: TestIdentity;
  let stranger: TestIdentity;
  let server: HttpServer;

  const build = async (jwksUrl: string, issuer: string): Promise<HttpServer> => {
    const made = await createHttpServer({
      name: 'test',
      instance: 'test-1',
      logger: createLogger({ service: 'test', instance: 'test-1', level: 'silent' }),
      metrics: createMetrics({ service: 'test', instance: 'test-1' }),
      checks: [],
    });
    await made.register(authentication, {
      verify: bearerVerifier({ issuer, jwksUrl: new URL('/.well-known/jwks.json', jwksUrl) }),
    });
    made.get('/mine', async (request) => ({ userId: request.principal!.userId }));
    made.get('/operate', { config: { access: 'operator' } }, async () => ({ done: true }));
    made.get('/open', { config: { access: 'public' } }, async () => ({ open: true }));
    return made;
  };

  before(async () => {
    identity = await testIdentity();
    stranger = await testIdentity();
    server = await build(identity.url, identity.url);
  });
  after(async () => {
    await server.close();
    await identity.close();
    await stranger.close();
  });

  const get = (path: string, token?: string) =>
    server.inject({ url: path, headers: token === undefined ? {} : { authorization: `Bearer ${token}` } });

  it('needs a token wherever a route does not say that it is public', async () => {
    assert.equal((await get('/open')).statusCode, 200);
    const refused = await get('/mine');
    assert.equal(refused.statusCode, 401);
    assert.equal(refused.headers['www-authenticate'], 'Bearer');
    assert.equal((await get('/nowhere')).statusCode, 404);
  });

  it('knows the caller by a good token, again and again', async () => {
    const token = await identity.token({ userId });
    for (let times = 0; times < 3; times += 1) assert.deepEqual((await get('/mine', token)).json(), { userId });
  });

  it('lets only operators in where only they may go', async () => {
    assert.equal((await get('/operate', await identity.token({ userId }))).statusCode, 403);
    assert.equal((await get('/operate', await identity.token({ userId, roles: ['operator'] }))).statusCode, 200);
  });

  it('refuses every kind of token that is not one of ours', async () => {
    const past = Math.floor(Date.now() / 1000) - 10;
    const good = await identity.token({ userId });
    const [header, payload, signature] = good.split('.');
    const none = `${Buffer.from('{"alg":"none","typ":"at+jwt"}').toString('base64url')}.${payload}.`;
    const forged: Record<string, string> = {
      garbage: 'abc',
      'no signature': none,
      'another payload': `${header}.${Buffer.from(JSON.stringify({ sub: userId })).toString('base64url')}.${signature}`,
      'another key': await stranger.token({ userId }, { iss: identity.url }),
      'another issuer': await identity.token({ userId }, { iss: 'https://elsewhere.test' }),
      'another audience': await identity.token({ userId }, { aud: 'tcp-gateway' }),
      'another type': await identity.token({ userId }, {}, { typ: 'device+jwt' }),
      'unknown key id': await identity.token({ userId }, {}, { kid: 'nobody' }),
      expired: await identity.token({ userId }, { exp: past }),
      'no person': await identity.token({ userId: 'not-a-uuid' }),
      'too long': `${good}${'x'.repeat(5_000)}`,
    };
    for (const [name, token] of Object.entries(forged)) {
      const response = await get('/mine', token);
      assert.equal(response.statusCode, 401, name);
      assert.equal(response.headers['content-type'], 'application/problem+json; charset=utf-8', name);
    }
    assert.equal((await server.inject({ url: '/mine', headers: { authorization: 'Basic abc' } })).statusCode, 401);
  });

  it('says 503, soon, when the keys cannot be had', async () => {
    const hanging = createServer(() => {});
    hanging.listen(0, '127.0.0.1');
    await once(hanging, 'listening');
    const address = hanging.address();
    assert.ok(address !== null && typeof address === 'object');
    const lonely = await build(`http://127.0.0.1:${address.port}`, identity.url);
    const response = await lonely.inject({
      url: '/mine',
      headers: { authorization: `Bearer ${await identity.token({ userId })}` },
    });
    assert.equal(response.statusCode, 503);
    assert.equal(response.headers['retry-after'], '1');
    await lonely.close();
    hanging.closeAllConnections();
    hanging.close();
  });
});
