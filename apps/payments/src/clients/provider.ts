// The port: what payments asks of a payment provider and what it may get back. Stripe and PayPal each
// implement it; nothing outside this folder knows which of them answers.

import type { PaymentMethod, PaymentProviderName } from '@ballast/contracts';

/** Amounts are integer minor units, currencies ISO 4217 in upper case. */
export type Money = { amount: number; currency: string };

/** `reference` names the authorisation from here on. */
export type AuthorizeResult =
  | { outcome: 'authorized'; reference: string }
  | { outcome: 'declined'; code: string; detail: string };

/** What was really captured is in `amount`. */
export type CaptureResult =
  | { outcome: 'captured'; captureReference: string; amount: number }
  | { outcome: 'refused'; code: string; detail: string };

/** `captured`: too late to void, so the caller has to refund. */
export type CancelResult = { outcome: 'voided' } | { outcome: 'captured'; captureReference: string; amount: number };

/** A refund the provider has accepted counts as `refunded`, even if the bank takes days over it. */
export type RefundResult = { outcome: 'refunded' } | { outcome: 'refused'; code: string; detail: string };

/**
 * A payment provider. Every call ends within the configured timeout, is never repeated inside the client,
 * and is safe to repeat with the same idempotency key. Each may throw {@link ProviderUnavailable} or
 * {@link ProviderProtocolError}; definitive refusals are outcomes.
 */
export interface PaymentProvider {
  readonly name: PaymentProviderName;
  /** Holds the money. `method` is the provider's own name for the means of payment. */
  authorize(input: Money & { orderId: string; method: string; idempotencyKey: string }): Promise<AuthorizeResult>;
  /** Takes money that is held. A payment found already captured is `captured`. */
  capture(input: Money & { orderId: string; reference: string; idempotencyKey: string }): Promise<CaptureResult>;
  /** Lets go of money that is held. A payment found already voided is `voided`. */
  cancel(input: { orderId: string; reference: string; idempotencyKey: string }): Promise<CancelResult>;
  /** Gives captured money back, all or a part. A capture found fully refunded is `refunded`. */
  refund(
    input: Money & {
      orderId: string;
      reference: string;
      captureReference: string;
      idempotencyKey: string;
    },
  ): Promise<RefundResult>;
  /** Checks signature, age and shape. Throws {@link WebhookRejected}. `headers` have lower-case names. */
  verifyWebhook(rawBody: Buffer, headers: WebhookHeaders): Promise<WebhookEvidence>;
  /** What may be paid with, for the connected account. */
  listMethods(): Promise<PaymentMethod[]>;
}

/** Headers as Node gives them. */
export type WebhookHeaders = Record<string, string | string[] | undefined>;

/** What a provider has vouched for in a webhook. */
export type WebhookEvidence = {
  provider: PaymentProviderName;
  /** Same for every delivery of one event. */
  eventId: string;
  /** The provider's own name for it. */
  type: string;
  /** Empty if the event carries none; then `fact.kind` is `ignored`. */
  orderId: string;
  /** RFC 3339. */
  occurredAt: string;
  fact: WebhookFact;
};

/** The part of an event that payments acts on. */
export type WebhookFact = {
  kind: 'authorized' | 'captured' | 'voided' | 'refunded' | 'declined' | 'ignored';
  /** The authorisation's reference; empty where the event does not name it (PayPal's refunds). */
  reference: string;
  captureReference?: string;
  /** For `refunded` all refunds of the capture so far. 0 if ignored. */
  amount: number;
  /** Empty if ignored. */
  currency: string;
};

/** Why a webhook was not believed. */
export type WebhookRejection =
  | 'missing_header'
  | 'malformed_header'
  | 'too_old'
  | 'in_future'
  | 'bad_signature'
  | 'unsupported_algorithm'
  | 'untrusted_certificate_url'
  | 'certificate_unavailable'
  | 'invalid_certificate'
  | 'malformed_body';

/** A webhook that must have no effect. Only `certificate_unavailable` may pass when sent again. */
export class WebhookRejected extends Error {
  override readonly name = 'WebhookRejected';
  readonly reason: WebhookRejection;
  readonly retryable: boolean;

  constructor(reason: WebhookRejection, detail: string, options?: ErrorOptions) {
    super(detail, options);
    this.reason = reason;
    this.retryable = reason === 'certificate_unavailable';
  }
}

/**
 * The provider did not give a usable answer: timeout, connection, 429, 5xx, or the same call still under
 * way. Whether it took effect is unknown; repeat it with the same idempotency key.
 */
export class ProviderUnavailable extends Error {
  override readonly name = 'ProviderUnavailable';
  readonly retryable = true;
}

/** The provider's answer makes no sense to us, or ours to it; repeating does not help. */
export class ProviderProtocolError extends Error {
  override readonly name = 'ProviderProtocolError';
  readonly retryable = false;
}
