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
  /** Revokes a token (`jti`) or a session (`sid`), as identity's `GET /revocations` tells it. */
  revoke(id: string): void;
  /** From now on `GET /revocations` fails (or works again), while the keys can still be had. */
  setSilent(silent: boolean): void;
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
  const revoked: string[] = [];
  const waiting = new Set<() => void>();
  let silent = false;
  const server = createServer((request, response) => {
    const answer = (status: number, body: object): void => {
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(JSON.stringify(body));
    };
    const url = new URL(request.url ?? '/', 'http://identity');
    if (url.pathname === '/.well-known/jwks.json') return answer(200, { keys: [signer.jwk] });
    if (url.pathname !== '/revocations') return answer(404, {});
    if (silent) return answer(503, {});
    const after = Number(url.searchParams.get('after') ?? 0);
    const tell = (): void => {
      clearTimeout(patience);
      waiting.delete(tell);
      const items = revoked.slice(after).map((id) => ({ id, until: Math.floor(Date.now() / 1000) + 900 }));
      answer(200, { items, cursor: String(revoked.length), more: false });
    };
    const patience = setTimeout(tell, 1_000);
    if (url.searchParams.get('wait') !== '1' || revoked.length > after) tell();
    else waiting.add(tell);
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
    revoke: (id) => {
      revoked.push(id);
      for (const tell of waiting) tell();
    },
    setSilent: (now) => {
      silent = now;
    },
    close: async () => {
      for (const tell of waiting) tell();
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
