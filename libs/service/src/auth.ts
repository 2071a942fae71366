/**
 * Who is calling. Every service verifies the bearer token itself: signature, issuer, audience, type, expiry.
 * Routes need a signed-in caller unless they say otherwise with `config: { access: 'public' }`.
 */
import { AccessClaims, accessAudience, type Role } from '@ballast/contracts';
import type { FastifyRequest } from 'fastify';
import fastifyPlugin from 'fastify-plugin';
import { createRemoteJWKSet, errors, jwtVerify, type JWTVerifyGetKey } from 'jose';
import { LRUCache } from 'lru-cache';
import { Compile } from 'typebox/compile';
import { ProblemError } from './problem.ts';
import { refuseUnknowing, type RevocationView } from './revocation.ts';

/** Who may call a route: anyone, anyone signed in (the default), or operators only. */
export type Access = 'public' | 'user' | 'operator';

/** The verified caller. `token` is kept only to be handed on to another service. */
export interface Principal {
  userId: string;
  email: string;
  roles: readonly Role[];
  tokenId: string;
  /** The session the token belongs to (`sid`); null for tokens without one. */
  sessionId: string | null;
  token: string;
}

/** Verifies an access token; throws a `ProblemError` (401, or 503 when the keys cannot be had). */
export type TokenVerifier = (token: string) => Promise<Principal>;

declare module 'fastify' {
  interface FastifyContextConfig {
    access?: Access;
    /** Writes are let in even while it cannot be known whether the caller was signed out: what mends the mesh (lab only). */
    trustsStaleView?: boolean;
  }
  interface FastifyRequest {
    principal: Principal | null;
  }
  interface FastifyInstance {
    /** What is known of revoked tokens, where `authentication` was given a view. */
    revocations: RevocationView | null;
  }
}

const claimsCheck = Compile(AccessClaims);
const maximumTokenLength = 4096;

/**
 * A verifier for tokens of `issuer`. Keys come from `keys`, or from the issuer's JWKS at `jwksUrl`: fetched once,
 * kept, and fetched again for an unknown key id, at most every five seconds. Verified tokens are remembered until
 * they expire, because a signature check costs about 60 µs and a look-up one.
 */
export function bearerVerifier(options: { issuer: string; jwksUrl?: URL; keys?: JWTVerifyGetKey }): TokenVerifier {
  const keys =
    options.keys ??
    createRemoteJWKSet(options.jwksUrl!, {
      timeoutDuration: 900,
      cooldownDuration: 5_000,
      cacheMaxAge: Number.POSITIVE_INFINITY,
    });
  const verified = new LRUCache<string, { principal: Principal; expiresAt: number }>({ max: 10_000 });

  return async (token) => {
    const known = verified.get(token);
    if (known !== undefined) {
      if (known.expiresAt > Date.now()) return known.principal;
      throw new ProblemError('invalid-token', 'The access token has expired.');
    }
    if (token.length > maximumTokenLength) throw new ProblemError('invalid-token', 'The access token is too long.');
    const claims = await verify(token, keys, options.issuer);
    const principal: Principal = {
      userId: claims.sub,
      email: claims.email,
      roles: claims.roles,
      tokenId: claims.jti,
      sessionId: claims.sid ?? null,
      token,
    };
    verified.set(token, { principal, expiresAt: claims.exp * 1000 });
    return principal;
  };
}

async function verify(token: string, keys: JWTVerifyGetKey, issuer: string): Promise<AccessClaims> {
  try {
    const { payload } = await jwtVerify(token, keys, {
      issuer,
      audience: accessAudience,
      typ: 'at+jwt',
      algorithms: ['ES256', 'EdDSA'],
      requiredClaims: ['exp', 'iat', 'sub', 'jti'],
      clockTolerance: 0,
    });
    if (claimsCheck.Check(payload)) return payload;
    throw new ProblemError('invalid-token', 'The access token lacks a claim.');
  } catch (error) {
    if (error instanceof ProblemError) throw error;
    if (error instanceof errors.JWTExpired) {
      throw new ProblemError('invalid-token', 'The access token has expired.', { cause: error });
    }
    if (
      error instanceof errors.JWKSTimeout ||
      !(error instanceof errors.JOSEError) ||
      error.code === 'ERR_JOSE_GENERIC'
    ) {
      throw new ProblemError('unavailable', 'The keys to check the access token cannot be had.', { cause: error });
    }
    throw new ProblemError('invalid-token', 'The access token is not valid.', { cause: error });
  }
}

/** The token of an `Authorization: Bearer` header; null without one. */
function bearerToken(request: FastifyRequest): string | null {
  const header = request.headers.authorization;
  if (header === undefined) return null;
  const match = /^Bearer +([A-Za-z0-9._~+/=-]+)$/i.exec(header);
  if (!match) throw new ProblemError('invalid-token', 'The Authorization header is not a bearer token.');
  return match[1]!;
}

/**
 * Fastify plugin: puts `request.principal` on every request to a route that is not public and refuses the others.
 * `tokenOf` finds the token where it is not in the Authorization header (the bff's session).
 */
export const authentication = fastifyPlugin<{
  verify: TokenVerifier;
  /** Asked about every token; it is started and stopped with the server. Without one nothing counts as revoked. */
  revocations?: RevocationView;
  tokenOf?: (request: FastifyRequest) => Promise<string | null>;
}>(
  async (app, { verify: verifyToken, revocations, tokenOf = async (request) => bearerToken(request) }) => {
    app.decorateRequest('principal', null);
    app.decorate('revocations', revocations ?? null);
    if (revocations !== undefined) {
      app.addHook('onReady', () => revocations.start());
      app.addHook('onClose', async () => revocations.stop());
    }
    app.addHook('onRequest', async (request) => {
      if (request.is404) return;
      const access = request.routeOptions.config.access ?? 'user';
      if (access === 'public') return;
      const token = await tokenOf(request);
      if (token === null) throw new ProblemError('unauthenticated', 'Sign in first.');
      const principal = await verifyToken(token);
      if (revocations !== undefined) {
        if (revocations.isRevoked(principal)) throw new ProblemError('invalid-token', 'The session was ended.');
        if (request.routeOptions.config.trustsStaleView !== true) refuseUnknowing(revocations, request.method);
      }
      request.principal = principal;
      if (access === 'operator' && !principal.roles.includes('operator')) {
        throw new ProblemError('forbidden', 'This is for operators.');
      }
    });
  },
  { name: 'ballast-authentication' },
);
