/** Key pairs that sign access tokens: ECDSA on P-256 with SHA-256 (ES256). */
import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK } from 'jose';
import { Type, type Static } from 'typebox';

/** A public key as it is published (RFC 7517). */
export const PublicKey = Type.Object({
  kid: Type.String(),
  kty: Type.Literal('EC'),
  crv: Type.Literal('P-256'),
  x: Type.String(),
  y: Type.String(),
  alg: Type.Literal('ES256'),
  use: Type.Literal('sig'),
});
export type PublicKey = Static<typeof PublicKey>;

/** Both halves as JWKs; the private one carries the key id too. */
export interface SigningKeyPair {
  publicKey: PublicKey;
  privateKey: JWK;
}

/** A new pair; the key id is the RFC 7638 thumbprint. */
export async function generateSigningKey(): Promise<SigningKeyPair> {
  const pair = await generateKeyPair('ES256', { extractable: true });
  const privateKey = await exportJWK(pair.privateKey);
  const { x, y } = privateKey;
  if (x === undefined || y === undefined) throw new Error('a P-256 key without a point');
  const kid = await calculateJwkThumbprint({ kty: 'EC', crv: 'P-256', x, y });
  return {
    publicKey: { kid, kty: 'EC', crv: 'P-256', x, y, alg: 'ES256', use: 'sig' },
    privateKey: { ...privateKey, kid, alg: 'ES256' },
  };
}
