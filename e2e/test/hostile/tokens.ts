/** Access tokens as an attacker would like them: signed by another key, by none, or, with everything right but one thing, by ours. */
import {
  createDecipheriv,
  createPrivateKey,
  generateKeyPairSync,
  randomUUID,
  scryptSync,
  sign,
  type KeyObject,
} from 'node:crypto';

/** Makes tokens. A claim or header member set to undefined is left out. */
export type Forge = (
  claims?: Record<string, unknown>,
  header?: Record<string, unknown>,
  key?: KeyObject | 'none',
) => string;

export interface Subject {
  userId: string;
  email: string;
}

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/**
 * A forge with the mesh's own signing key, opened with the lab's secret: so that a refused token is refused for the one thing that is
 * wrong with it.
 */
export async function openForge(options: {
  rows: (query: string) => Promise<{ key_id: string; sealed_private_key: Buffer }[]>;
  secret: string;
  issuer: string;
  subject: Subject;
}): Promise<Forge> {
  const [row] = await options.rows('SELECT key_id, sealed_private_key FROM identity.signing_keys WHERE active');
  if (row === undefined) throw new Error('identity has no signing key');
  const jwk = JSON.parse(unseal(row.sealed_private_key, row.key_id, options.secret)) as Record<string, string>;
  const ours = createPrivateKey({ format: 'jwk', key: jwk });
  return (claims = {}, header = {}, key = ours) => {
    const now = Math.floor(Date.now() / 1000);
    const payload = {
      iss: options.issuer,
      aud: 'ballast',
      sub: options.subject.userId,
      jti: randomUUID(),
      sid: randomUUID(),
      iat: now,
      exp: now + 900,
      email: options.subject.email,
      roles: ['customer', 'operator'],
      ...claims,
    };
    const signed = `${encode({ alg: 'ES256', typ: 'at+jwt', kid: row.key_id, ...header })}.${encode(payload)}`;
    if (key === 'none') return `${signed}.`;
    return `${signed}.${sign('sha256', Buffer.from(signed), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
  };
}

const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
const past = (): number => Math.floor(Date.now() / 1000) - 10;

/** Every bad token by what is wrong with it. `genuine` is a token of identity's, `refreshToken` one that it gave out beside it. */
export const badTokens: readonly (readonly [
  string,
  (made: { forge: Forge; genuine: string; refreshToken: string }) => string,
])[] = [
  ['garbage', () => 'garbage'],
  ['three dots', () => '...'],
  ['a megabyte less one of header room', () => 'a'.repeat(12_000)],
  ['no signature and alg none', ({ forge }) => forge({}, { alg: 'none' }, 'none')],
  ['an empty signature', ({ forge }) => forge({}, {}, 'none')],
  ['a key of a stranger under our key id', ({ forge }) => forge({}, {}, stranger)],
  ['an unknown key id', ({ forge }) => forge({}, { kid: 'nobody' }, stranger)],
  ['a key id that is a path', ({ forge }) => forge({}, { kid: '../../etc/passwd' }, stranger)],
  [
    'a key it brings along itself',
    ({ forge }) => forge({}, { jwk: { kty: 'EC' }, jku: 'http://127.0.0.1:1/' }, stranger),
  ],
  ['a symmetric algorithm', ({ forge }) => forge({}, { alg: 'HS256' })],
  ['a critical extension nobody knows', ({ forge }) => forge({}, { crit: ['b64'], b64: false })],
  ['the type of any JWT', ({ forge }) => forge({}, { typ: 'JWT' })],
  ['the type of a device token', ({ forge }) => forge({}, { typ: 'device+jwt' })],
  ['no type', ({ forge }) => forge({}, { typ: undefined })],
  ['the audience of the gateway', ({ forge }) => forge({ aud: 'tcp-gateway' })],
  ['no audience', ({ forge }) => forge({ aud: undefined })],
  ['another issuer', ({ forge }) => forge({ iss: 'http://127.0.0.1:1' })],
  ['an expiry that has passed', ({ forge }) => forge({ exp: past() })],
  ['no expiry', ({ forge }) => forge({ exp: undefined })],
  ['an expiry in words', ({ forge }) => forge({ exp: 'tomorrow' })],
  ['a beginning in the future', ({ forge }) => forge({ nbf: Math.floor(Date.now() / 1000) + 600 })],
  ['no subject', ({ forge }) => forge({ sub: undefined })],
  ['a subject that is no id', ({ forge }) => forge({ sub: "' OR 1=1 --" })],
  ['no token id', ({ forge }) => forge({ jti: undefined })],
  ['a role nobody has', ({ forge }) => forge({ roles: ['god'] })],
  ['roles that are no list', ({ forge }) => forge({ roles: 'operator' })],
  ['no roles', ({ forge }) => forge({ roles: undefined })],
  ['a tampered payload', ({ genuine }) => tamper(genuine, { roles: ['customer', 'operator'] })],
  ['another subject in its payload', ({ genuine }) => tamper(genuine, { sub: randomUUID() })],
  ['a cut signature', ({ genuine }) => genuine.slice(0, -8)],
  ['a refresh token instead', ({ refreshToken }) => refreshToken],
];

function tamper(token: string, claims: Record<string, unknown>): string {
  const [header, payload, signature] = token.split('.') as [string, string, string];
  const changed = { ...(JSON.parse(Buffer.from(payload, 'base64url').toString()) as object), ...claims };
  return `${header}.${encode(changed)}.${signature}`;
}

/** Opens what identity has sealed: `salt (16) | vector (12) | tag (16) | ciphertext`, AES-256-GCM under a scrypt key. */
function unseal(sealed: Buffer, label: string, secret: string): string {
  const [salt, vector, tag, ciphertext] = [
    sealed.subarray(0, 16),
    sealed.subarray(16, 28),
    sealed.subarray(28, 44),
    sealed.subarray(44),
  ];
  const decipher = createDecipheriv('aes-256-gcm', scryptSync(secret, salt, 32), vector, { authTagLength: 16 });
  decipher.setAAD(Buffer.from(label));
  decipher.setAuthTag(tag);
  return Buffer.concat([decipher.update(ciphertext), decipher.final()]).toString('utf8');
}
