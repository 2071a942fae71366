// Signs webhooks the two products' ways. Every attempt is signed anew, as its time is part of what is signed.

import { createHmac, randomUUID, sign } from 'node:crypto';
import { promisify } from 'node:util';
import { crc32 } from 'node:zlib';
import type { SigningCertificate } from './certificate.ts';

const signAsync = promisify(sign);

/**
 * Stripe: HMAC-SHA256 over `timestamp.body`, in `Stripe-Signature: t=…,v1=…`.
 * Source: docs.stripe.com/webhooks/signature.
 */
export function stripeHeaders(body: string, secret: string): Record<string, string> {
  const timestamp = Math.floor(Date.now() / 1000);
  const signature = createHmac('sha256', secret).update(`${timestamp}.${body}`).digest('hex');
  return { 'stripe-signature': `t=${timestamp},v1=${signature}` };
}

/**
 * PayPal: RSA-SHA256 over `transmission id|time|webhook id|crc32 of the body in decimal`.
 * Source: developer.paypal.com, "Integrate webhooks", self verification.
 */
export async function payPalHeaders(
  body: string,
  webhookId: string,
  certificate: SigningCertificate,
  certificateUrl: string,
): Promise<Record<string, string>> {
  const id = randomUUID();
  const time = `${new Date().toISOString().slice(0, 19)}Z`;
  const message = `${id}|${time}|${webhookId}|${crc32(body)}`;
  const signature = await signAsync('sha256', Buffer.from(message), certificate.privateKey);
  return {
    'paypal-transmission-id': id,
    'paypal-transmission-time': time,
    'paypal-transmission-sig': signature.toString('base64'),
    'paypal-cert-url': certificateUrl,
    'paypal-auth-algo': 'SHA256withRSA',
  };
}
