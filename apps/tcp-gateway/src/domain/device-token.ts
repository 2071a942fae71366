/**
 * Device tokens: compact JWS (RFC 7515), EdDSA on Ed25519 or ES256. The order of the checks is the promise: nothing that a
 * token says of itself decides how its signature is checked, and none of its claims is looked at before that has passed.
 *
 *   too_long        longer than 2,048 characters; nothing else is looked at
 *   malformed       not three parts of base64url, each in its one spelling, a header that is no JSON object, or one with `crit`
 *   unknown_key     no key of the issuer has this `kid`, or there is no `kid`
 *   bad_signature   the key is for another algorithm than the header says (`none`, `HS256`, …), or the signature is wrong
 *   wrong_type      signed, but not as `device+jwt`
 *   wrong_issuer, wrong_audience, missing_claim, not_yet_valid, expired   in this order, without any tolerance of clocks
 */
import { createPublicKey, verify, type KeyObject } from 'node:crypto';
import {
  deviceAudience,
  DeviceClaims,
  DeviceId,
  deviceTokenLimit,
  deviceTokenType,
  type RejectionReason,
} from '@ballast/contracts';
import { Type, type Static } from 'typebox';
import { Compile } from 'typebox/compile';

/** A token in its parts; nothing in it is verified. */
export interface ReadToken {
  kid: string | null;
  algorithm: string;
  type: unknown;
  signed: Buffer;
  payload: Buffer;
  signature: Buffer;
}

const shape = /^([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]*)\.([A-Za-z0-9_-]*)$/;

function objectIn(bytes: Buffer): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'));
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    // A stranger's bytes: that they are no JSON is all there is to know.
    return undefined;
  }
}

/** Takes a token apart. */
export function readToken(token: string): ReadToken | Extract<RejectionReason, 'too_long' | 'malformed'> {
  if (token.length > deviceTokenLimit) return 'too_long';
  const parts = shape.exec(token);
  if (parts === null) return 'malformed';
  const [, head, payload, signature] = parts as unknown as [string, string, string, string];
  const header = objectIn(Buffer.from(head, 'base64url'));
  if (header === undefined || typeof header['alg'] !== 'string' || 'crit' in header) return 'malformed';
  const signatureBytes = Buffer.from(signature, 'base64url');
  // Spare bits in the last character would give one token many spellings.
  if (signatureBytes.toString('base64url') !== signature) return 'malformed';
  const { kid } = header;
  return {
    kid: typeof kid === 'string' ? kid : null,
    algorithm: header['alg'],
    type: header['typ'],
    signed: Buffer.from(token.slice(0, head.length + 1 + payload.length), 'latin1'),
    payload: Buffer.from(payload, 'base64url'),
    signature: signatureBytes,
  };
}

const Coordinate = Type.String({ pattern: '^[A-Za-z0-9_-]{43}$' });
/** A public key that device tokens may be signed with (RFC 7517, RFC 8037). */
const DeviceKey = Type.Union([
  Type.Object({
    kid: Type.String(),
    kty: Type.Literal('EC'),
    crv: Type.Literal('P-256'),
    x: Coordinate,
    y: Coordinate,
  }),
  Type.Object({ kid: Type.String(), kty: Type.Literal('OKP'), crv: Type.Literal('Ed25519'), x: Coordinate }),
]);
const keyCheck = Compile(DeviceKey);

/** A key of the issuer and the one algorithm it is for. */
export interface VerificationKey {
  kid: string;
  algorithm: 'ES256' | 'EdDSA';
  key: KeyObject;
}

/** A key out of a JWKS; undefined for keys of other kinds, which are none of ours. Throws where the point is on no curve. */
export function verificationKey(jwk: unknown): VerificationKey | undefined {
  if (!keyCheck.Check(jwk)) return undefined;
  const known: Static<typeof DeviceKey> = jwk;
  const { kid, ...key } =
    known.kty === 'EC' ? pick(known, 'kid', 'kty', 'crv', 'x', 'y') : pick(known, 'kid', 'kty', 'crv', 'x');
  return {
    kid,
    algorithm: known.kty === 'EC' ? 'ES256' : 'EdDSA',
    key: createPublicKey({ key, format: 'jwk' }),
  };
}

function pick<Value extends object, Name extends keyof Value>(value: Value, ...names: Name[]): Pick<Value, Name> {
  return Object.fromEntries(names.map((name) => [name, value[name]])) as Pick<Value, Name>;
}

/** Of ES256 and of EdDSA alike, in bytes. */
const signatureLength = 64;

/** Whether the token was signed with this key; on the thread pool, so that a storm of tokens delays no device's frames. */
export function isSigned(token: ReadToken, { algorithm, key }: VerificationKey): Promise<boolean> {
  if (token.algorithm !== algorithm || token.signature.length !== signatureLength) return Promise.resolve(false);
  const [digest, how] =
    algorithm === 'ES256' ? (['sha256', { key, dsaEncoding: 'ieee-p1363' }] as const) : ([null, key] as const);
  return new Promise((resolve, reject) => {
    verify(digest, token.signed, how, token.signature, (error, good) => {
      if (error) reject(error);
      else resolve(good);
    });
  });
}

const claimsCheck = Compile(DeviceClaims);
const deviceCheck = Compile(DeviceId);

/** What a signed token says, or why it is no good. `deviceId` is whom it was signed for, where it names a device. */
export type Claimed =
  | { claims: DeviceClaims }
  | { reason: Exclude<RejectionReason, 'auth_timeout' | 'over_capacity'>; deviceId: string | null };

/** Judges the claims of a token whose signature is good. `now` is in seconds since the epoch, fractions included. */
export function judgeClaims(token: ReadToken, options: { issuer: string; now: number }): Claimed {
  const claims = objectIn(token.payload);
  const subject = claims?.['sub'];
  const deviceId = deviceCheck.Check(subject) ? subject : null;
  if (token.type !== deviceTokenType) return { reason: 'wrong_type', deviceId };
  if (claims === undefined) return { reason: 'malformed', deviceId };
  if (claims['iss'] !== undefined && claims['iss'] !== options.issuer) return { reason: 'wrong_issuer', deviceId };
  if (claims['aud'] !== undefined && claims['aud'] !== deviceAudience) return { reason: 'wrong_audience', deviceId };
  // What is there and cannot be read counts as missing.
  if (!claimsCheck.Check(claims)) return { reason: 'missing_claim', deviceId };
  if (claims.nbf !== undefined && claims.nbf > options.now) return { reason: 'not_yet_valid', deviceId };
  if (claims.exp <= options.now) return { reason: 'expired', deviceId };
  return { claims };
}

const clipped = 64;

/** Whom an unverified token claims to be for, printable and clipped; for an audit trail, never to be believed. */
export function claimedDevice(token: ReadToken): string | null {
  const subject = objectIn(token.payload)?.['sub'];
  return typeof subject === 'string' ? subject.slice(0, clipped).replaceAll(/[^\x20-\x7e]/g, '?') : null;
}
