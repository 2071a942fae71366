/** Webhooks signed as the providers sign them, with the lab's own secrets, and the events the stand-in has really sent. */
import { createHmac, createPrivateKey, randomUUID, sign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';

export type Headers = readonly (readonly [string, string])[];

/** An event as it was sent. */
export interface SentEvent {
  provider: 'stripe' | 'paypal';
  body: string;
}

export interface Signing {
  /** `at` in seconds since the epoch, default now. */
  stripe(body: string, options?: { at?: number; secret?: string }): Headers;
  paypal(
    body: string,
    options?: { at?: number; webhookId?: string; certificateUrl?: string; algorithm?: string },
  ): Headers;
  /** What the stand-in has in its journal, oldest first. */
  sent(): SentEvent[];
}

const now = (): number => Math.floor(Date.now() / 1000);

/** Signs for a lab whose data is in `dataDirectory` and whose stand-in answers at `providerUrl`. */
export async function openSigning(dataDirectory: string, providerUrl: string): Promise<Signing> {
  const secrets = JSON.parse(readFileSync(join(dataDirectory, 'secrets.json'), 'utf8')) as Record<string, string>;
  const provider = join(dataDirectory, 'data', 'payment-provider');
  const pem = readFileSync(join(provider, 'paypal-webhook-certificate.pem'), 'utf8');
  const start = pem.indexOf('-----BEGIN CERTIFICATE-----');
  const key = createPrivateKey(pem.slice(0, start));
  const { X509Certificate } = await import('node:crypto');
  const fingerprint = new X509Certificate(pem.slice(start)).fingerprint256
    .replaceAll(':', '')
    .slice(0, 32)
    .toLowerCase();
  const ownUrl = `${providerUrl}/v1/notifications/certs/CERT-${fingerprint}`;

  return {
    stripe: (body, { at = now(), secret = secrets['stripeWebhookSecret']! } = {}) => [
      ['stripe-signature', `t=${at},v1=${createHmac('sha256', secret).update(`${at}.${body}`).digest('hex')}`],
    ],
    paypal: (body, options = {}) => {
      const {
        at = now(),
        webhookId = secrets['paypalWebhookId']!,
        certificateUrl = ownUrl,
        algorithm = 'SHA256withRSA',
      } = options;
      const id = randomUUID();
      const time = `${new Date(at * 1000).toISOString().slice(0, 19)}Z`;
      const signature = sign('sha256', Buffer.from(`${id}|${time}|${webhookId}|${crc32(body)}`), key);
      return [
        ['paypal-transmission-id', id],
        ['paypal-transmission-time', time],
        ['paypal-transmission-sig', signature.toString('base64')],
        ['paypal-cert-url', certificateUrl],
        ['paypal-auth-algo', algorithm],
      ];
    },
    sent: () =>
      readFileSync(join(provider, 'journal.jsonl'), 'utf8')
        .split('\n')
        .filter((line) => line !== '')
        .flatMap((line) => JSON.parse(line) as ({ kind: string } & SentEvent)[])
        .filter((record) => record.kind === 'webhook'),
  };
}
