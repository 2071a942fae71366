/** The keys of the session, each for one purpose, derived from SESSION_SECRET (HKDF, RFC 5869). */
import { hkdfSync } from 'node:crypto';

export interface SessionKeys {
  /** Signs the id in the cookie. */
  cookie: Buffer;
  /** Makes CSRF tokens from ids. */
  csrf: Buffer;
  /** Seals stored tokens. */
  tokens: Buffer;
  /** Names the rate limit's buckets: replicas share them, two meshes on one Redis do not, and no session id is told. */
  buckets: Buffer;
}

export function deriveKeys(secret: string): SessionKeys {
  const derive = (purpose: string): Buffer =>
    Buffer.from(hkdfSync('sha256', secret, '', `ballast bff ${purpose} v1`, 32));
  return { cookie: derive('cookie'), csrf: derive('csrf'), tokens: derive('tokens'), buckets: derive('buckets') };
}
