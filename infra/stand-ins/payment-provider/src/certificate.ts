// The RSA key PayPal's webhooks are signed with, and the self-signed certificate that vouches for it.
// Made at the first start, kept in the data directory, renewed when it nears its end.

import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { generate } from 'selfsigned';

/** A key and its certificate. */
export type SigningCertificate = {
  privateKey: KeyObject;
  /** PEM. */
  certificate: string;
  /** The last part of the certificate's URL; changes with the certificate. */
  name: string;
};

const DAY = 24 * 60 * 60 * 1000;
const LIFETIME = 365 * DAY;
const RENEW_BEFORE = 7 * DAY;

/** Reads the key and certificate kept in `directory`, or makes and keeps new ones. */
export async function loadCertificate(directory: string): Promise<SigningCertificate> {
  const path = join(directory, 'paypal-webhook-certificate.pem');
  const kept = await readIfThere(path);
  if (kept !== undefined) {
    const found = parse(kept);
    if (Date.parse(found.validTo) - Date.now() > RENEW_BEFORE) return found.signing;
  }
  const made = await generate([{ name: 'commonName', value: 'messageverificationcerts.stand-in.invalid' }], {
    keySize: 2048,
    algorithm: 'sha256',
    notBeforeDate: new Date(Date.now() - DAY),
    notAfterDate: new Date(Date.now() + LIFETIME),
  });
  const text = `${made.private.trim()}\n${made.cert.trim()}\n`;
  await writeFile(`${path}.new`, text, { mode: 0o600 });
  await rename(`${path}.new`, path);
  return parse(text).signing;
}

function parse(text: string): { signing: SigningCertificate; validTo: string } {
  const start = text.indexOf('-----BEGIN CERTIFICATE-----');
  const certificate = text.slice(start);
  const parsed = new X509Certificate(certificate);
  return {
    signing: {
      privateKey: createPrivateKey(text.slice(0, start)),
      certificate,
      name: `CERT-${parsed.fingerprint256.replaceAll(':', '').slice(0, 32).toLowerCase()}`,
    },
    validTo: parsed.validTo,
  };
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
