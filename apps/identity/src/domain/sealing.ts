/**
 * Secrets at rest. A sealed value is `salt (16) | initialisation vector (12) | tag (16) | ciphertext`: AES-256-GCM
 * under a key that scrypt (RFC 7914) makes of the secret and the salt.
 */
import { createCipheriv, createDecipheriv, randomBytes, scrypt, type BinaryLike } from 'node:crypto';
import { promisify } from 'node:util';

const derive = promisify<BinaryLike, BinaryLike, number, Buffer>(scrypt);
const saltBytes = 16;
const vectorBytes = 12;
const tagBytes = 16;

/** The secret is not the one the value was sealed with, or the value (or its label) was changed. */
export class CannotUnseal extends Error {
  constructor(cause: unknown) {
    super('the secret does not open the sealed value', { cause });
    this.name = 'CannotUnseal';
  }
}

/** Seals `text`. The `label` is not stored in it but must be the same when it is opened: it ties it to its row. */
export async function seal(text: string, label: string, secret: string): Promise<Buffer> {
  const salt = randomBytes(saltBytes);
  const vector = randomBytes(vectorBytes);
  const cipher = createCipheriv('aes-256-gcm', await derive(secret, salt, 32), vector);
  cipher.setAAD(Buffer.from(label));
  const ciphertext = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
  return Buffer.concat([salt, vector, cipher.getAuthTag(), ciphertext]);
}

/** Opens what `seal` made; throws `CannotUnseal`. */
export async function unseal(sealed: Buffer, label: string, secret: string): Promise<string> {
  const salt = sealed.subarray(0, saltBytes);
  const vector = sealed.subarray(saltBytes, saltBytes + vectorBytes);
  const tag = sealed.subarray(saltBytes + vectorBytes, saltBytes + vectorBytes + tagBytes);
  const key = await derive(secret, salt, 32);
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, vector, { authTagLength: tagBytes });
    decipher.setAAD(Buffer.from(label));
    decipher.setAuthTag(tag);
    const ciphertext = sealed.subarray(saltBytes + vectorBytes + tagBytes);
    return Buffer.concat([decipher.update(ciphertext), decipher.final()]).toString('utf8');
  } catch (error) {
    throw new CannotUnseal(error);
  }
}
