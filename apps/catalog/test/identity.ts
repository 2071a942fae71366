/** A stand-in for identity: signs tokens as it does, and serves the key to check them by. */
import { generateKeyPairSync, randomUUIDv7, sign } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { accessAudience, type Role } from '@ballast/contracts';

export interface TestIdentity {
  /** The issuer; its keys are at `/.well-known/jwks.json`. */
  url: string;
  /** A token of a person with this role; claims and header fields given replace the right ones. */
  token: (role: Role, claims?: Record<string, unknown>, header?: Record<string, unknown>) => string;
  close(): Promise<void>;
}

/** Starts an issuer with one ES256 key on a port of its own. */
export async function startIdentity(): Promise<TestIdentity> {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const jwk = { ...publicKey.export({ format: 'jwk' }), kid: 'test', alg: 'ES256', use: 'sig' };
  const server = createServer((request, response) => {
    const known = request.url === '/.well-known/jwks.json';
    response.writeHead(known ? 200 : 404, { 'content-type': 'application/json' });
    response.end(JSON.stringify(known ? { keys: [jwk] } : {}));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

  const token: TestIdentity['token'] = (role, claims = {}, header = {}) => {
    const now = Math.floor(Date.now() / 1000);
    const content = `${encode({ alg: 'ES256', typ: 'at+jwt', kid: 'test', ...header })}.${encode({
      iss: url,
      aud: accessAudience,
      sub: randomUUIDv7(),
      jti: randomUUIDv7(),
      iat: now,
      exp: now + 900,
      email: `${role}@ballast.test`,
      roles: [role],
      ...claims,
    })}`;
    const signature = sign('sha256', Buffer.from(content), { key: privateKey, dsaEncoding: 'ieee-p1363' });
    return `${content}.${signature.toString('base64url')}`;
  };
  return {
    url,
    token,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
