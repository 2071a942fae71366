/** Tokens that identity never signed: what an attacker who knows all that is public can make. */
import { createHmac, createPublicKey, generateKeyPairSync, randomUUID, sign } from 'node:crypto';
import { deviceAudience, deviceTokenType } from '@ballast/contracts';
import type { PublicKey } from '../identity.ts';

export interface Forger {
  /** Signed with a key of its own, under the name of identity's. */
  wrongKey(deviceId: string): string;
  /** Signed with a key of its own, under a name that identity does not know. */
  unknownKey(deviceId: string): string;
  /** Not signed at all, and says so. */
  unsigned(deviceId: string): string;
  /** Says HS256, with identity's public key for a secret (CVE-2015-9235). */
  confused(deviceId: string): string;
}

const encode = (part: object): string => Buffer.from(JSON.stringify(part)).toString('base64url');

/** A forger of tokens that claim to be from `issuer`; `key` is the one identity publishes. */
export function createForger(issuer: string, key: PublicKey): Forger {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const secret = createPublicKey({ key, format: 'jwk' }).export({ type: 'spki', format: 'pem' });

  const content = (deviceId: string, header: object): string => {
    const now = Math.floor(Date.now() / 1_000);
    const claims = { iss: issuer, aud: deviceAudience, sub: deviceId, jti: randomUUID(), iat: now, exp: now + 3_600 };
    return `${encode({ alg: 'ES256', typ: deviceTokenType, kid: key.kid, ...header })}.${encode(claims)}`;
  };
  const signed = (text: string): string =>
    `${text}.${sign('sha256', Buffer.from(text), { key: privateKey, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;

  return {
    wrongKey: (deviceId) => signed(content(deviceId, {})),
    unknownKey: (deviceId) => signed(content(deviceId, { kid: `nobody-${randomUUID()}` })),
    unsigned: (deviceId) => `${content(deviceId, { alg: 'none' })}.`,
    confused: (deviceId) => {
      const text = content(deviceId, { alg: 'HS256' });
      return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`;
    },
  };
}
