import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { generateKeyPair, importJWK, SignJWT, UnsecuredJWT, type CryptoKey, type JWTPayload } from 'jose';
import { accessAudience } from '@ballast/contracts';
import { loadSigningKeys } from '../../src/store/signing-keys.ts';
import {
  createTestDatabase,
  issuer,
  post,
  problemOf,
  register,
  secret,
  signIn,
  startIdentity,
  tokens,
  type IdentityDatabase,
} from '../support.ts';

describe('a forged access token', () => {
  let database: IdentityDatabase;
  let identity: Awaited<ReturnType<typeof startIdentity>>;
  let key: CryptoKey;
  let kid: string;
  before(async () => {
    database = await createTestDatabase();
    identity = await startIdentity(database.url);
    const { active } = await loadSigningKeys(database, secret);
    key = (await importJWK(active, 'ES256')) as CryptoKey;
    kid = active.kid!;
  });
  after(async () => {
    await identity.stop();
    await database.drop();
  });

  /** A real session, what its real token says, and whether the session lives. */
  const victim = async () => {
    const { credentials, user } = await register(identity.server);
    const session = await signIn(identity.server, credentials);
    const claims = JSON.parse(Buffer.from(session.accessToken.split('.')[1]!, 'base64url').toString()) as JWTPayload;
    return { user, session, claims };
  };
  const sign = (
    claims: JWTPayload,
    header: Record<string, unknown> = {},
    signer: Parameters<SignJWT['sign']>[0] = key,
  ) => new SignJWT(claims).setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid, ...header }).sign(signer);
  const without = (claims: JWTPayload, name: string): JWTPayload =>
    Object.fromEntries(Object.entries(claims).filter(([claim]) => claim !== name));

  it('is told from a real one, which this test can make', async () => {
    const { claims } = await victim();
    assert.equal((await post(identity.server, '/logout', undefined, await sign(claims))).statusCode, 204);
  });

  it('does nothing, however it is forged', async () => {
    const { session, claims } = await victim();
    const stranger = await generateKeyPair('ES256');
    const edward = await generateKeyPair('EdDSA');
    const [head, body, signature] = session.accessToken.split('.') as [string, string, string];
    const now = Math.floor(Date.now() / 1000);
    const publicKey = (await identity.server.inject('/.well-known/jwks.json')).json().keys[0] as Record<string, string>;
    const operator = Buffer.from(JSON.stringify({ ...claims, roles: ['operator'] })).toString('base64url');

    const forged: Record<string, string> = {
      'algorithm none': new UnsecuredJWT(claims).encode(),
      'algorithm none with the right type': `${Buffer.from('{"alg":"none","typ":"at+jwt"}').toString('base64url')}.${body}.`,
      'another key under our key id': await sign(claims, {}, stranger.privateKey),
      'another key under its own id': await sign(claims, { kid: 'stranger' }, stranger.privateKey),
      'another key brought along': await sign(
        claims,
        { jwk: { kty: 'EC', crv: 'P-256', x: publicKey['x'], y: publicKey['y'] } },
        stranger.privateKey,
      ),
      'another algorithm': await sign(claims, { alg: 'EdDSA' }, edward.privateKey),
      'our public key as a shared secret': await sign(claims, { alg: 'HS256' }, Buffer.from(JSON.stringify(publicKey))),
      'no type': await sign(claims, { typ: undefined }),
      'the type of an ID token': await sign(claims, { typ: 'JWT' }),
      'the type of a device': await sign(claims, { typ: 'device+jwt' }),
      'an unknown critical header': `${Buffer.from(JSON.stringify({ alg: 'ES256', typ: 'at+jwt', kid, crit: ['x'], x: 1 })).toString('base64url')}.${body}.${signature}`,
      'another audience': await sign({ ...claims, aud: 'tcp-gateway' }),
      'another issuer': await sign({ ...claims, iss: 'https://elsewhere.example' }),
      'our issuer with a slash': await sign({ ...claims, iss: `${issuer}/` }),
      expired: await sign({ ...claims, iat: now - 1000, exp: now - 1 }),
      'not valid yet': await sign({ ...claims, nbf: now + 60 }),
      'an expiry that is no number': await sign({ ...claims, exp: 'never' as unknown as number }),
      'a subject that is no id': await sign({ ...claims, sub: 'admin' }),
      'an unknown role': await sign({ ...claims, roles: ['root'] }),
      'a session that is no id': await sign({ ...claims, sid: `' OR true --` }),
      'a changed body': `${head}.${operator}.${signature}`,
      'no signature': `${head}.${body}.`,
      'a signature of zeros': `${head}.${body}.${Buffer.alloc(64).toString('base64url')}`,
      'a cut signature': session.accessToken.slice(0, -4),
      'the refresh token': session.refreshToken,
      'one part': head,
      'a great length': `${head}.${'A'.repeat(6_000)}.${signature}`,
      'headers that are no JSON': `AAAA.${body}.${signature}`,
      'a body that is no JSON': `${head}.AAAA.${signature}`,
      dots: '..',
    };
    for (const name of ['iss', 'aud', 'sub', 'jti', 'iat', 'exp', 'email', 'roles', 'sid']) {
      forged[`no ${name}`] = await sign(without(claims, name));
    }
    for (const [name, token] of Object.entries(forged)) {
      const answer = await post(identity.server, '/logout', undefined, token);
      assert.equal(answer.statusCode, 401, `${name}: ${answer.body}`);
      assert.equal(problemOf(answer).code, 'invalid-token', name);
    }
    assert.equal(claims.aud, accessAudience);
    tokens(await post(identity.server, '/refresh', { refreshToken: session.refreshToken }));
  });

  it('is refused as any other header would be', async () => {
    for (const authorization of ['', 'Bearer', 'Bearer ', 'Basic YTpi', 'Bearer a b', 'Bearer ä']) {
      const answer = await identity.server.inject({ method: 'POST', url: '/logout', headers: { authorization } });
      assert.equal(answer.statusCode, 401, authorization);
    }
  });

  it("cannot end another person's session by naming it", async () => {
    const [thief, owner] = [await victim(), await victim()];
    const token = await sign({ ...thief.claims, sid: owner.claims['sid'] });
    assert.equal((await post(identity.server, '/logout', undefined, token)).statusCode, 204);
    tokens(await post(identity.server, '/refresh', { refreshToken: owner.session.refreshToken }));
  });
});
