/** What most people would write: `node:net`, and jose's `jwtVerify` with issuer, audience, type and algorithm. */
import { createLocalJWKSet, jwtVerify } from 'jose';
import { jwks, serveDevices } from './server.ts';

const keys = createLocalJWKSet(await jwks());
const rules = {
  issuer: process.env['IDENTITY_URL']!,
  audience: 'tcp-gateway',
  typ: 'device+jwt',
  algorithms: ['ES256'],
  requiredClaims: ['sub', 'exp', 'jti'],
};

serveDevices(async (token) => {
  const { payload } = await jwtVerify<{ sub: string; exp: number }>(token, keys, rules);
  return payload;
});
