import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { bearerVerifier } from '@ballast/service';
import { calculateJwkThumbprint, createLocalJWKSet, type JSONWebKeySet } from 'jose';
import { createTestDatabase, issuer, register, signIn, startIdentity, type IdentityDatabase } from '../support.ts';

describe('discovery', () => {
  let database: IdentityDatabase;
  let identity: Awaited<ReturnType<typeof startIdentity>>;
  before(async () => {
    database = await createTestDatabase();
    identity = await startIdentity(database.url);
  });
  after(async () => {
    await identity.stop();
    await database.drop();
  });

  it('publishes public keys and nothing of the private ones', async () => {
    const answer = await identity.server.inject('/.well-known/jwks.json');
    assert.equal(answer.statusCode, 200);
    assert.match(String(answer.headers['cache-control']), /^public, max-age=\d+$/);
    const { keys } = answer.json();
    assert.equal(keys.length, 1);
    assert.deepEqual(Object.keys(keys[0]).toSorted(), ['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y']);
    assert.equal(keys[0].kid, await calculateJwkThumbprint(keys[0]));
    const [row] = await database.query<{ line: string }>('SELECT k::text AS line FROM signing_keys k');
    assert.ok(!row!.line.includes('"d"'), 'the private key is sealed in the database');
  });

  it('gives other services what they need to check a token', async () => {
    const { user, credentials } = await register(identity.server);
    const { accessToken } = await signIn(identity.server, credentials);
    const keys = (await identity.server.inject('/.well-known/jwks.json')).json<JSONWebKeySet>();
    const verify = bearerVerifier({ issuer, keys: createLocalJWKSet(keys) });
    const principal = await verify(accessToken);
    assert.deepEqual({ userId: principal.userId, email: principal.email, roles: principal.roles }, user);
  });

  it('says where the keys are', async () => {
    const answer = await identity.server.inject('/.well-known/openid-configuration');
    assert.equal(answer.statusCode, 200);
    const document = answer.json();
    assert.equal(document.issuer, issuer);
    assert.equal(document.jwks_uri, `${issuer}/.well-known/jwks.json`);
    for (const value of Object.values<unknown[]>(document)) assert.ok(value.length > 0);
  });

  it('describes every route', async () => {
    const { paths } = (await identity.server.inject('/openapi.json')).json();
    assert.deepEqual(Object.keys(paths).toSorted(), [
      '/.well-known/jwks.json',
      '/.well-known/openid-configuration',
      '/devices',
      '/devices/{deviceId}',
      '/devices/{deviceId}/tokens/{tokenId}',
      '/login',
      '/logout',
      '/refresh',
      '/register',
      '/revocations',
    ]);
  });
});
