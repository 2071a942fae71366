/**
 * Whose bucket a request takes its token from: the signed-in session's, else the address's.
 *
 * | the request has                                | bucket of                                                 |
 * | ---------------------------------------------- | --------------------------------------------------------- |
 * | a cookie we signed, of somebody who signed in  | that session                                              |
 * | a bearer token that verifies                   | its session (`sid`), or itself (`jti`)                    |
 * | anything else, also an anonymous visitor       | the address the connection comes from; IPv6 by its /64    |
 *
 * Everything that makes a new bucket has been signed by us and cost a sign-in, which is limited by address. Headers that
 * name an address (`x-forwarded-for` and its kin) are not read: anybody can write them.
 */
import { createHmac } from 'node:crypto';
import { normalizeIP } from '@fastify/rate-limit';
import { ProblemError, type TokenVerifier } from '@ballast/service';
import type { FastifyRequest } from 'fastify';
import { LRUCache } from 'lru-cache';
import { isAnonymous, type SessionCookies } from '../session/cookie.ts';

/** A bucket's owner. `key` is not secret: session ids are in it as a keyed hash. */
export interface BucketOwner {
  owner: 'session' | 'address';
  key: string;
}

export interface Callers {
  /** By session where there is one. With `bearer`, tokens count as sessions: only where the route takes them anyway. */
  of(request: FastifyRequest, bearer: boolean): BucketOwner | Promise<BucketOwner>;
  /** By address, whoever it is. */
  address(request: FastifyRequest): BucketOwner;
}

export function callers(parts: { cookies: SessionCookies; verify: TokenVerifier; key: Buffer }): Callers {
  const { cookies, verify, key } = parts;
  const known = new LRUCache<string, BucketOwner>({ max: 20_000 });

  const remembered = (name: string, make: () => BucketOwner): BucketOwner => {
    let owner = known.get(name);
    if (owner === undefined) {
      owner = make();
      known.set(name, owner);
    }
    return owner;
  };
  const session = (id: string): BucketOwner =>
    remembered(id, () => ({
      owner: 'session',
      key: `s:${createHmac('sha256', key).update(id).digest('base64url').slice(0, 22)}`,
    }));
  const address = ({ ip }: FastifyRequest): BucketOwner =>
    remembered(ip, () => ({ owner: 'address', key: `a:${normalizeIP(ip, 64)}` }));
  const bearer = async (token: string, request: FastifyRequest): Promise<BucketOwner> => {
    try {
      const principal = await verify(token);
      return session(principal.sessionId ?? principal.tokenId);
    } catch (error) {
      // Whether it may go on is the authentication's to say, and it will say no.
      if (error instanceof ProblemError) return address(request);
      throw error;
    }
  };

  return {
    of: (request, takesBearer) => {
      const { authorization, cookie } = request.headers;
      if (takesBearer && authorization !== undefined) {
        const token = /^Bearer +([A-Za-z0-9._~+/=-]+)$/i.exec(authorization)?.[1];
        return token === undefined ? address(request) : bearer(token, request);
      }
      const id = cookies.readHeader(cookie);
      return id === null || isAnonymous(id) ? address(request) : session(id);
    },
    address,
  };
}
