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
import { LRUCache } from 'lru-cache';
import type { SessionKeys } from './keys.ts';

export const cookieName = 'ballast_session';
/** As long as a refresh token lives, in seconds; each visit begins it anew. */
export const sessionSeconds = 7 * 24 * 60 * 60;

const cookieShape = /^[A-Za-z0-9_-]{43}\.[A-Za-z0-9_-]{43}$/;
const headerShape = new RegExp(`(?:^|;\\s*)${cookieName}=([^;\\s]*)`);
/** Values whose signature was found good; most requests bring one that has just been seen. */
const rememberedValues = 10_000;

export interface SessionCookies {
  /** The id in a cookie's value; null without one, or with one that is not ours. */
  read(value: string | undefined): string | null;
  /** The same from a whole `Cookie` header, without taking the others apart. */
  readHeader(header: string | undefined): string | null;
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
  const known = new LRUCache<string, string>({ max: rememberedValues });
  const read = (value: string | undefined): string | null => {
    if (value === undefined) return null;
    const remembered = known.get(value);
    if (remembered !== undefined) return remembered;
    if (!cookieShape.test(value)) return null;
    const id = value.slice(0, 43);
    if (!equal(value.slice(44), sign(keys.cookie, id))) return null;
    known.set(value, id);
    return id;
  };
  return {
    read,
    readHeader: (header) => (header === undefined ? null : read(headerShape.exec(header)?.[1])),
    give: (reply, id) => {
      reply.setCookie(cookieName, `${id}.${sign(keys.cookie, id)}`, attributes);
    },
    csrfToken: (id) => sign(keys.csrf, id),
    isCsrfToken: (id, token) => typeof token === 'string' && equal(token, sign(keys.csrf, id)),
  };
}

/**
 * An id for somebody who has signed in: 43 random characters, of which the first is no underscore. Ids of anonymous
 * visitors begin with one, so that the two can be told apart without a look into the database: anonymous ids are given
 * to whoever asks, so they must not be worth anything.
 */
export function newSessionId(): string {
  const id = randomBytes(32).toString('base64url');
  return id.startsWith(anonymousMark) ? `-${id.slice(1)}` : id;
}

/** An id for a visitor who has not signed in. */
export function newAnonymousId(): string {
  return anonymousMark + randomBytes(32).toString('base64url').slice(1);
}

/** Whether an id was given to somebody who had not signed in. */
export function isAnonymous(id: string): boolean {
  return id.startsWith(anonymousMark);
}

const anonymousMark = '_';

/** What stands for an id in the database. */
export function hashOf(id: string): Buffer {
  return createHash('sha256').update(id).digest();
}

function equal(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}
