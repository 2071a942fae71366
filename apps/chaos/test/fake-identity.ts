/** Identity as the controller sees it: accounts, tokens, keys, and nobody who was signed out. */
import { randomUUID, randomUUIDv7 } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { accessAudience, type Role } from '@ballast/contracts';
import { tokenSigner } from '@ballast/testing';

export const operatorAccount = { email: 'operator@ballast.test', password: 'ballast-operator' };
export const shopperAccount = { email: 'demo@ballast.test', password: 'ballast-demo' };

export interface FakeIdentity {
  url: string;
  token(role: Role): string;
  /** Accounts by address. */
  accounts: Map<string, { password: string; roles: Role[] }>;
  /** How often somebody signed in, by address. */
  logins: Map<string, number>;
  /** While true, everything but the keys is answered 503. */
  away: boolean;
  /** How long tokens are good that are made from now on, in seconds. */
  tokenSeconds: number;
  close(): Promise<void>;
}

export async function fakeIdentity(): Promise<FakeIdentity> {
  const signer = tokenSigner();
  const waiting = new Set<() => void>();
  const server = createServer((request, response) => {
    const pieces: Buffer[] = [];
    request.on('data', (piece: Buffer) => pieces.push(piece));
    request.on('end', () => {
      const answer = (status: number, body: object): void => {
        response.writeHead(status, { 'content-type': 'application/json' });
        response.end(JSON.stringify(body));
      };
      const path = request.url!.split('?')[0]!;
      if (path === '/.well-known/jwks.json') return answer(200, { keys: [signer.jwk] });
      if (identity.away) return answer(503, { detail: 'away' });
      if (path === '/revocations') {
        const tell = (): void => {
          clearTimeout(timer);
          waiting.delete(tell);
          answer(200, { items: [], cursor: '0', more: false });
        };
        const timer = setTimeout(tell, request.url!.includes('wait=1') ? 1_000 : 0);
        waiting.add(tell);
        return;
      }
      const body = JSON.parse(Buffer.concat(pieces).toString()) as { email: string; password: string };
      const account = identity.accounts.get(body.email);
      if (path === '/register') {
        if (account !== undefined) return answer(409, { detail: 'there is one' });
        identity.accounts.set(body.email, { password: body.password, roles: ['customer'] });
        return answer(201, {});
      }
      if (account?.password !== body.password) return answer(401, { detail: 'wrong' });
      identity.logins.set(body.email, (identity.logins.get(body.email) ?? 0) + 1);
      const user = { userId: randomUUIDv7(), email: body.email, roles: account.roles };
      return answer(200, {
        accessToken: sign(account.roles, body.email),
        refreshToken: randomUUID(),
        expiresIn: identity.tokenSeconds,
        user,
      });
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const sign = (roles: readonly Role[], email: string): string => {
    const now = Math.floor(Date.now() / 1000);
    return signer.sign({
      iss: url,
      aud: accessAudience,
      sub: randomUUIDv7(),
      jti: randomUUIDv7(),
      sid: randomUUIDv7(),
      iat: now,
      exp: now + identity.tokenSeconds,
      email,
      roles,
    });
  };
  const identity: FakeIdentity = {
    url,
    token: (role) => sign(role === 'operator' ? ['customer', 'operator'] : ['customer'], `${role}@ballast.test`),
    accounts: new Map([
      [operatorAccount.email, { password: operatorAccount.password, roles: ['customer', 'operator'] }],
      [shopperAccount.email, { password: shopperAccount.password, roles: ['customer'] }],
    ]),
    logins: new Map(),
    away: false,
    tokenSeconds: 900,
    close: async () => {
      for (const tell of waiting) tell();
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return identity;
}
