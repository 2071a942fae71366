/** Device tokens: what a device shows to a TCP gateway. In a lab also tokens that are wrong in exactly one way. */
import { randomUUIDv7 } from 'node:crypto';
import {
  accessAudience,
  deviceAudience,
  deviceTokenType,
  type DeviceClaims,
  type OddTokenKind,
} from '@ballast/contracts';
import { importJWK, SignJWT, type JWK, type JWTPayload } from 'jose';

export interface DeviceTokenSigner {
  /** Signs a token that is good from now on; times in seconds since the epoch. */
  sign(token: { deviceId: string; tokenId: string; issuedAt: number; expiresAt: number }): Promise<string>;
  /** Signs one that is wrong in this way and in no other. Nobody remembers it. */
  signOdd(deviceId: string, kind: OddTokenKind): Promise<string>;
}

/** What makes a good token, an hour old and good for another one, wrong. `now` in seconds since the epoch. */
const oddities: Record<
  OddTokenKind,
  (now: number) => {
    claims?: Partial<Record<keyof DeviceClaims, string | number | undefined>>;
    type?: string;
  }
> = {
  expired: (now) => ({ claims: { exp: now - 60 } }),
  not_yet_valid: (now) => ({ claims: { nbf: now + 1_800 } }),
  wrong_issuer: () => ({ claims: { iss: 'https://issuer.invalid' } }),
  wrong_audience: () => ({ claims: { aud: accessAudience } }),
  wrong_type: () => ({ type: 'at+jwt' }),
  // Without an end, which careless verifiers take for a token that never ends.
  missing_claim: () => ({ claims: { exp: undefined } }),
};

/** A signer with one private key. */
export async function createDeviceTokenSigner(options: {
  issuer: string;
  privateKey: JWK;
}): Promise<DeviceTokenSigner> {
  const key = await importJWK(options.privateKey, 'ES256');
  const { kid } = options.privateKey;
  if (kid === undefined) throw new Error('a signing key without an id');
  const claimsOf = (token: {
    deviceId: string;
    tokenId: string;
    issuedAt: number;
    expiresAt: number;
  }): DeviceClaims => ({
    iss: options.issuer,
    aud: deviceAudience,
    sub: token.deviceId,
    jti: token.tokenId,
    iat: token.issuedAt,
    exp: token.expiresAt,
  });
  const sign = (claims: JWTPayload, type = deviceTokenType): Promise<string> =>
    new SignJWT(claims).setProtectedHeader({ alg: 'ES256', typ: type, kid }).sign(key);

  return {
    sign: (token) => sign(claimsOf(token)),
    signOdd: (deviceId, kind) => {
      const now = Math.floor(Date.now() / 1000);
      const good = claimsOf({ deviceId, tokenId: randomUUIDv7(), issuedAt: now - 3_600, expiresAt: now + 3_600 });
      const { claims, type } = oddities[kind](now);
      return sign({ ...good, ...claims } as JWTPayload, type);
    },
  };
}
