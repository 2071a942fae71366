/** An issuer of access tokens for tests of services that check them: a key of its own and a JWKS to fetch. */
import { createServer } from 'node:http';
import { once } from 'node:events';
import { accessAudience, type Role } from '@ballast/contracts';
import { exportJWK, generateKeyPair, SignJWT, type JWTPayload } from 'jose';

export interface TestIdentity {
  /** Issuer and base URL; the keys are at `/.well-known/jwks.json`. */
  url: string;
  /** An access token; `claims` and `header` override what a good one would have. */
  token(
    user: { userId: string; roles?: Role[] },
    claims?: JWTPayload,
    header?: { typ?: string; kid?: string },
  ): Promise<string>;
  close(): Promise<void>;
}

export async function testIdentity(): Promise<TestIdentity> {
  const { privateKey, publicKey } = await generateKeyPair('ES256');
  const jwk = { ...(await exportJWK(publicKey)), kid: 'test', alg: 'ES256', use: 'sig' };
  const server = createServer((_request, response) => {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ keys: [jwk] }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address !== 'object') throw new Error('no address');
  const url = `http://127.0.0.1:${address.port}`;
  return {
    url,
    token: ({ userId, roles = ['customer'] }, claims = {}, header = {}) =>
      new SignJWT({ email: `${userId}@ballast.test`, roles, jti: crypto.randomUUID(), ...claims })
        .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: 'test', ...header })
        .setIssuer(claims.iss ?? url)
        .setAudience(claims.aud ?? accessAudience)
        .setSubject(claims.sub ?? userId)
        .setIssuedAt(claims.iat ?? undefined)
        .setExpirationTime(claims.exp ?? '15m')
        .sign(privateKey),
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
