/** An issuer of access tokens for tests of services that check them: a key of its own and a JWKS to fetch. */
import { generateKeyPairSync, randomUUIDv7, sign } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { accessAudience, type Role } from '@ballast/contracts';

/** Claims or header fields; one that is undefined is left out of the token. */
export type TokenPart = Record<string, unknown>;

/** A key pair that signs tokens, good ones and bad ones alike. */
export interface TokenSigner {
  /** The public half, as it stands in a JWKS. */
  jwk: TokenPart;
  /** A signed token with exactly these claims; `header` overrides what a good one would have. ES256 (RFC 7518). */
  sign(claims: TokenPart, header?: TokenPart): string;
}

export interface TestIdentity {
  /** Issuer and base URL; the keys are at `/.well-known/jwks.json`. */
  url: string;
  /** An access token for a quarter of an hour; `claims` and `header` override what a good one would have. */
  token(user?: { userId?: string; roles?: readonly Role[] }, claims?: TokenPart, header?: TokenPart): string;
  close(): Promise<void>;
}

/** Makes an ES256 key pair. */
export function tokenSigner(): TokenSigner {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const encode = (part: TokenPart): string => Buffer.from(JSON.stringify(part)).toString('base64url');
  return {
    jwk: { ...publicKey.export({ format: 'jwk' }), kid: 'test', alg: 'ES256', use: 'sig' },
    sign: (claims, header = {}) => {
      const content = `${encode({ alg: 'ES256', typ: 'at+jwt', kid: 'test', ...header })}.${encode(claims)}`;
      const signature = sign('sha256', Buffer.from(content), { key: privateKey, dsaEncoding: 'ieee-p1363' });
      return `${content}.${signature.toString('base64url')}`;
    },
  };
}

/** Starts an issuer on a port of its own. */
export async function testIdentity(): Promise<TestIdentity> {
  const signer = tokenSigner();
  const server = createServer((request, response) => {
    const known = request.url === '/.well-known/jwks.json';
    response.writeHead(known ? 200 : 404, { 'content-type': 'application/json' });
    response.end(JSON.stringify(known ? { keys: [signer.jwk] } : {}));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    token: ({ userId = randomUUIDv7(), roles = ['customer'] } = {}, claims = {}, header = {}) => {
      const now = Math.floor(Date.now() / 1000);
      const good = {
        iss: url,
        aud: accessAudience,
        sub: userId,
        jti: randomUUIDv7(),
        iat: now,
        exp: now + 900,
        email: `${roles.at(-1) ?? 'nobody'}@ballast.test`,
        roles,
      };
      return signer.sign({ ...good, ...claims }, header);
    },
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
