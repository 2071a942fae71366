/**
 * Passwords as argon2id hashes (RFC 9106), in the PHC string format
 * (https://github.com/P-H-C/phc-string-format): parameters and salt travel with the hash, so they can change later.
 */
import { argon2, randomBytes, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';

const derive = promisify(argon2);

/** OWASP Password Storage Cheat Sheet, argon2id: 19 MiB, two passes, one lane. About 30 ms of one core. */
const cost = { memory: 19_456, passes: 2, parallelism: 1 } as const;
const saltBytes = 16;
const hashBytes = 32;

const phc = /^\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,3}),p=(\d{1,2})\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{22,86})$/;

/** Hashes a password with a fresh salt; resolves to a PHC string. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(saltBytes);
  const hash = await derive('argon2id', { ...cost, message: canonical(password), nonce: salt, tagLength: hashBytes });
  return `$argon2id$v=19$m=${cost.memory},t=${cost.passes},p=${cost.parallelism}$${encode(salt)}$${encode(hash)}`;
}

/** Whether `password` is the one `stored` was made from. Throws when `stored` is not an argon2id PHC string. */
export async function verifyPassword(stored: string, password: string): Promise<boolean> {
  const match = phc.exec(stored);
  if (match === null) throw new Error('a stored password hash is not an argon2id PHC string');
  const [, memory, passes, parallelism, salt, hash] = match;
  const expected = Buffer.from(hash!, 'base64');
  const actual = await derive('argon2id', {
    memory: Number(memory),
    passes: Number(passes),
    parallelism: Number(parallelism),
    message: canonical(password),
    nonce: Buffer.from(salt!, 'base64'),
    tagLength: expected.length,
  });
  return timingSafeEqual(actual, expected);
}

/** NFKC, so that one password typed on two keyboards is one password (NIST SP 800-63B, 3.1.1.2). */
const canonical = (password: string): Buffer => Buffer.from(password.normalize('NFKC'), 'utf8');

const encode = (bytes: Buffer): string => bytes.toString('base64').replace(/=+$/, '');
