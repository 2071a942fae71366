import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testIdentity, until } from '@ballast/testing';
import { createHttpServer, createLogger, createMetrics } from '../src/index.ts';

test('identity may be reached elsewhere than the issuer of its tokens says', async (context) => {
  const identity = await testIdentity();
  context.after(async () => await identity.close());
  // Nobody listens there: it is a name.
  const issuer = 'http://127.0.0.1:9';
  const server = await createHttpServer({
    name: 'test',
    instance: 'test-1',
    logger: createLogger({ service: 'test', instance: 'test-1', level: 'silent' }),
    metrics: createMetrics({ service: 'test', instance: 'test-1' }),
    checks: [],
    issuer,
    identityAddress: identity.url,
  });
  context.after(async () => await server.close());
  server.post('/mine', async (request) => ({ userId: request.principal!.userId }));
  const ask = async (claims: Record<string, unknown>) => {
    const authorization = `Bearer ${identity.token({}, claims)}`;
    return (await server.inject({ method: 'POST', url: '/mine', headers: { authorization } })).statusCode;
  };
  const sid = '0199a2f4-0000-7000-8000-000000000001';
  // A write is refused for as long as revoked tokens are not known.
  await until('the list of revoked tokens', async () => (await ask({ iss: issuer, sid })) === 200);
  assert.equal(await ask({ iss: identity.url }), 401);
  identity.revoke(sid);
  await until('the session to be refused', async () => (await ask({ iss: issuer, sid })) === 401);
});
