// PayPal's webhooks, verified offline: is it from PayPal, meant for our webhook, fresh, and what does it say.
// Source: developer.paypal.com, "Integrate webhooks", self verification.

import { verify } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { fromDecimal } from './money.ts';
import { authorizationSchema, captureSchema, eventSchema, refundSchema } from './paypal-schemas.ts';
import { WebhookRejected, type WebhookEvidence, type WebhookFact, type WebhookHeaders } from './provider.ts';
import type { CertificateStore } from './webhook-certificates.ts';

/** What a webhook is checked against. */
export type PayPalWebhookOptions = {
  webhookId: string;
  /** Seconds a transmission may be old, and lie in the future. */
  toleranceSeconds: number;
  certificates: CertificateStore;
  now: () => number;
};

/** Throws {@link WebhookRejected}. The certificate is fetched last of all, the body read after that. */
export async function verifyPayPalWebhook(
  rawBody: Buffer,
  headers: WebhookHeaders,
  options: PayPalWebhookOptions,
): Promise<WebhookEvidence> {
  const id = requireHeader(headers, 'paypal-transmission-id', 128);
  const time = requireHeader(headers, 'paypal-transmission-time', 64);
  const signature = requireHeader(headers, 'paypal-transmission-sig', 2048);
  const url = requireHeader(headers, 'paypal-cert-url', 1024);
  if (requireHeader(headers, 'paypal-auth-algo', 64) !== 'SHA256withRSA') {
    throw new WebhookRejected('unsupported_algorithm', 'Only SHA256withRSA is accepted');
  }
  checkAge(time, options);
  const key = await options.certificates.publicKey(url);
  const signed = Buffer.from(`${id}|${time}|${options.webhookId}|${crc32(rawBody)}`);
  if (!verify('sha256', signed, key, Buffer.from(signature, 'base64'))) {
    throw new WebhookRejected('bad_signature', 'The signature does not fit');
  }
  return evidenceOf(parse(rawBody));
}

function requireHeader(headers: WebhookHeaders, name: string, maximumLength: number): string {
  const value = headers[name];
  if (value === undefined || value === '') {
    throw new WebhookRejected('missing_header', `${name} is missing`);
  }
  if (typeof value !== 'string' || value.length > maximumLength) {
    throw new WebhookRejected('malformed_header', `${name} is not a single short value`);
  }
  return value;
}

function checkAge(time: string, options: PayPalWebhookOptions): void {
  const sent = instant(time);
  if (sent === undefined) {
    throw new WebhookRejected('malformed_header', 'paypal-transmission-time is no RFC 3339 time');
  }
  const age = (options.now() - sent) / 1000;
  if (age > options.toleranceSeconds) {
    throw new WebhookRejected('too_old', `Sent ${Math.floor(age)} s ago`);
  }
  if (age < -options.toleranceSeconds) {
    throw new WebhookRejected('in_future', `Sent ${Math.floor(-age)} s ahead`);
  }
}

function instant(text: string): number | undefined {
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/.test(text)) return undefined;
  const milliseconds = Date.parse(text);
  return Number.isNaN(milliseconds) ? undefined : milliseconds;
}

function parse(rawBody: Buffer): unknown {
  try {
    return JSON.parse(rawBody.toString('utf8')) as unknown;
  } catch (error) {
    throw new WebhookRejected('malformed_body', 'The event is not JSON', { cause: error });
  }
}

type Reading = { orderId: string; fact: WebhookFact };

const IGNORED: Reading = {
  orderId: '',
  fact: { kind: 'ignored', reference: '', amount: 0, currency: '' },
};

function evidenceOf(event: unknown): WebhookEvidence {
  if (!eventSchema.Check(event)) throw unreadable('event');
  const occurred = instant(event.create_time);
  if (occurred === undefined) throw unreadable('time');
  const { orderId, fact } = READERS.get(event.event_type)?.(event.resource) ?? IGNORED;
  return {
    provider: 'paypal',
    eventId: event.id,
    type: event.event_type,
    orderId,
    occurredAt: new Date(occurred).toISOString(),
    fact: orderId === '' ? IGNORED.fact : fact,
  };
}

/** Which events count. */
const READERS: ReadonlyMap<string, (resource: unknown) => Reading> = new Map([
  ['PAYMENT.AUTHORIZATION.CREATED', authorizationReader('authorized')],
  ['PAYMENT.AUTHORIZATION.VOIDED', authorizationReader('voided')],
  ['PAYMENT.CAPTURE.COMPLETED', readCapture],
  ['PAYMENT.CAPTURE.REFUNDED', readRefund],
]);

function authorizationReader(kind: 'authorized' | 'voided'): (resource: unknown) => Reading {
  return (resource) => {
    if (!authorizationSchema.Check(resource)) throw unreadable('authorisation');
    return {
      orderId: resource.custom_id ?? '',
      fact: { kind, reference: resource.id, ...money(resource.amount) },
    };
  };
}

function readCapture(resource: unknown): Reading {
  if (!captureSchema.Check(resource)) throw unreadable('capture');
  return {
    orderId: resource.custom_id ?? '',
    fact: {
      kind: 'captured',
      reference: resource.supplementary_data?.related_ids?.authorization_id ?? '',
      captureReference: resource.id,
      ...money(resource.amount),
    },
  };
}

/** A refund names its capture by a link only, and the authorisation not at all. */
function readRefund(resource: unknown): Reading {
  if (!refundSchema.Check(resource)) throw unreadable('refund');
  const up = resource.links?.find((link) => link.rel === 'up')?.href;
  const captureId = up === undefined ? undefined : /\/captures\/([A-Za-z0-9-]+)$/.exec(up)?.[1];
  return {
    orderId: resource.custom_id ?? '',
    fact: {
      kind: 'refunded',
      reference: '',
      ...(captureId === undefined ? {} : { captureReference: captureId }),
      ...money(resource.seller_payable_breakdown?.total_refunded_amount ?? resource.amount),
    },
  };
}

function money(value: { currency_code: string; value: string }): {
  amount: number;
  currency: string;
} {
  const amount = fromDecimal(value.value, value.currency_code);
  if (amount === undefined) throw unreadable('amount');
  return { amount, currency: value.currency_code };
}

function unreadable(what: string): WebhookRejected {
  return new WebhookRejected('malformed_body', `The event carries no readable ${what}`);
}
