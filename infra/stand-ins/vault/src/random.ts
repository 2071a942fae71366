/** Names and secrets in the shapes Vault gives them. */
import { createHash, randomBytes, randomInt } from 'node:crypto';

const letters = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789';

/** Random letters and digits. */
export const randomText = (length: number): string =>
  Array.from({ length }, () => letters.charAt(randomInt(letters.length))).join('');

/** 20 characters with at least one of each kind, which is what Vault's default password policy asks for. */
export const randomPassword = (): string => `${randomText(16)}-${randomInt(10)}zA`;

/** A service token. */
export const newToken = (): string => `hvs.${randomBytes(69).toString('base64url')}`;

/** What is kept of a token or a secret id: enough to know it again. */
export const fingerprint = (secret: string): string => createHash('sha256').update(secret).digest('hex');
