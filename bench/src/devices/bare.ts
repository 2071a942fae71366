/** The floor: `node:net`, and of a token nothing but its signature, on the thread pool as in the gateway. */
import { createPublicKey, verify, type webcrypto } from 'node:crypto';
import { jwks, serveDevices } from './server.ts';

const { keys } = await jwks();
const known = new Map(
  keys.map((key) => [key.kid, createPublicKey({ key: key as webcrypto.JsonWebKey, format: 'jwk' })]),
);
const read = (part: string): unknown => JSON.parse(Buffer.from(part, 'base64url').toString());

serveDevices((token) => {
  const [header, payload, signature] = token.split('.') as [string, string, string];
  const key = known.get((read(header) as { kid: string }).kid)!;
  return new Promise((resolve, reject) => {
    verify(
      'sha256',
      Buffer.from(`${header}.${payload}`),
      { key, dsaEncoding: 'ieee-p1363' },
      Buffer.from(signature, 'base64url'),
      (error, good) => {
        if (error !== null || !good) reject(error ?? new Error('the signature is wrong'));
        else resolve(read(payload) as { sub: string; exp: number });
      },
    );
  });
});
