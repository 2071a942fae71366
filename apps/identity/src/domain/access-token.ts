/** Access tokens (RFC 9068): what a signed-in person shows to every service. */
import { randomUUIDv7 } from 'node:crypto';
import { accessAudience, type AccessClaims, type User } from '@ballast/contracts';
import { importJWK, SignJWT, type JWK } from 'jose';

/** Signs a token for `user` in the session `sessionId` (the refresh family). */
export type AccessTokenIssuer = (user: User, sessionId: string) => Promise<string>;

/** An issuer that signs with one private key. `lifetimeSeconds` runs from the moment of signing. */
export async function createAccessTokenIssuer(options: {
  issuer: string;
  lifetimeSeconds: number;
  privateKey: JWK;
}): Promise<AccessTokenIssuer> {
  const key = await importJWK(options.privateKey, 'ES256');
  const { kid } = options.privateKey;
  if (kid === undefined) throw new Error('a signing key without an id');

  return (user, sessionId) => {
    const issuedAt = Math.floor(Date.now() / 1000);
    const claims: AccessClaims = {
      iss: options.issuer,
      aud: accessAudience,
      sub: user.userId,
      jti: randomUUIDv7(),
      iat: issuedAt,
      exp: issuedAt + options.lifetimeSeconds,
      email: user.email,
      roles: user.roles,
      sid: sessionId,
    };
    return new SignJWT(claims).setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid }).sign(key);
  };
}
