/**
 * The session's cookie and CSRF token.
 *
 * The cookie is `<id>.<signature>`: 256 random bits and their HMAC, so that an id nobody was given is refused
 * without a look into the database. The CSRF token is another HMAC of the same id: a page that can read
 * `GET /api/session` has it, another site's page has not (OWASP, "HMAC based token pattern").
 */
import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { CookieSerializeOptions } from '@fastify/cookie';
import type { FastifyReply } from 'fastify';
import type { SessionKeys } from './keys.ts';

export const cookieName = 'ballast_session';
/** As long as a refresh token lives, in seconds; each visit begins it anew. */
export const sessionSeconds = 7 * 24 * 60 * 60;

const cookieShape = /^[A-Za-z0-9_-]{43}\.[A-Za-z0-9_-]{43}$/;

export interface SessionCookies {
  /** The id in a cookie's value; null without one, or with one that is not ours. */
  read(value: string | undefined): string | null;
  /** Gives the browser this id, for another `sessionSeconds`. */
  give(reply: FastifyReply, id: string): void;
  csrfToken(id: string): string;
  isCsrfToken(id: string, token: string | string[] | undefined): boolean;
}

export function sessionCookies(keys: SessionKeys, options: { secure: boolean }): SessionCookies {
  const sign = (key: Buffer, id: string): string => createHmac('sha256', key).update(id).digest('base64url');
  const attributes: CookieSerializeOptions = {
    httpOnly: true,
    sameSite: 'lax',
    path: '/',
    maxAge: sessionSeconds,
    secure: options.secure,
  };
  return {
    read: (value) => {
      if (value === undefined || !cookieShape.test(value)) return null;
      const id = value.slice(0, 43);
      return equal(value.slice(44), sign(keys.cookie, id)) ? id : null;
    },
    give: (reply, id) => {
      reply.setCookie(cookieName, `${id}.${sign(keys.cookie, id)}`, attributes);
    },
    csrfToken: (id) => sign(keys.csrf, id),
    isCsrfToken: (id, token) => typeof token === 'string' && equal(token, sign(keys.csrf, id)),
  };
}

/** 256 random bits in 43 characters. */
export function newSessionId(): string {
  return randomBytes(32).toString('base64url');
}

/** What stands for an id in the database. */
export function hashOf(id: string): Buffer {
  return createHash('sha256').update(id).digest();
}

function equal(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}
