/** Tokens at rest: AES-256-GCM under a key of SESSION_SECRET, bound to the row they belong to. */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

const nonceBytes = 12;
const tagBytes = 16;

export interface TokenBox {
  /** `context` (the session's hash) must be the same when opening: a sealed token is of no use in another row. */
  seal(token: string, context: Buffer): Buffer;
  /** Null when it was sealed with another secret, for another row, or changed. */
  open(sealed: Buffer, context: Buffer): string | null;
}

export function tokenBox(key: Buffer): TokenBox {
  return {
    seal: (token, context) => {
      const nonce = randomBytes(nonceBytes);
      const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: tagBytes }).setAAD(context);
      return Buffer.concat([nonce, cipher.update(token, 'utf8'), cipher.final(), cipher.getAuthTag()]);
    },
    open: (sealed, context) => {
      if (sealed.length < nonceBytes + tagBytes) return null;
      const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, nonceBytes), { authTagLength: tagBytes })
        .setAAD(context)
        .setAuthTag(sealed.subarray(sealed.length - tagBytes));
      try {
        return decipher.update(sealed.subarray(nonceBytes, -tagBytes), undefined, 'utf8') + decipher.final('utf8');
      } catch {
        // The only thing final() can say is that the tag does not match; null says the same.
        return null;
      }
    },
  };
}
