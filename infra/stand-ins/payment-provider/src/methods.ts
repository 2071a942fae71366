// The payment methods the stand-in knows, as data: what each is called, what it leads to, and which
// fault it brings with it. The handlers read these rows; nothing else decides how a method behaves.

/** Whose API a method belongs to. */
export type ProviderName = 'stripe' | 'paypal';

/** A permanent refusal as the provider words it. */
export type Refusal = {
  /** Stripe's error `code`, or PayPal's `issue`. */
  code: string;
  /** Stripe's `decline_code`; not used for PayPal. */
  declineCode?: string;
  /** The sentence shown with it. */
  message: string;
};

/** What a method does beside simply succeeding. Every field is off unless set. */
export type Behaviour = {
  /** Authorisation is refused. */
  declines?: Refusal;
  /** Authorisation takes this long, and takes effect when it answers. */
  authorizationDelay?: 'slow' | 'very_slow';
  /** The webhook has been delivered and answered before the API call is. */
  webhookBeforeReply?: true;
  /** How many times each webhook is sent (default 1). */
  webhookCopies?: number;
  /** `payment_intent.amount_capturable_updated` is held back until after `payment_intent.succeeded`. */
  webhooksReordered?: true;
  /** No webhook is ever sent. */
  withoutWebhooks?: true;
  /** The call takes effect, but its first reply is a 500. */
  losesReplyOf?: 'authorize' | 'capture';
  /** Authorises, but every capture is refused. */
  captureRefused?: Refusal;
  /** The capture's webhook states another amount than the one captured. */
  webhookWrongAmount?: true;
  /** Captures, but refunds are refused. */
  refundRefused?: Refusal;
  /** Only so many refunds of a payment are refused; the next one is made. Without it, every one. */
  refundsRefusedAtMost?: number;
};

/** One row of the table. */
export type Method = {
  provider: ProviderName;
  /** The name a client sends: Stripe's `payment_method`, PayPal's `vault_id`. */
  method: string;
  /** A line for people. */
  label: string;
  /** What becomes of an order paid with it. */
  outcome: 'accepted' | 'declined' | 'refund_refused';
  /** False for names that exist only in this stand-in. */
  real: boolean;
  behaviour: Behaviour;
};

const declinedCard = (declineCode: string, message: string, code = 'card_declined'): Refusal => ({
  code,
  declineCode,
  message,
});

/**
 * Every method, in the order they are listed. The `pm_card_…` names are Stripe's own test names
 * (docs.stripe.com/testing); names with `standin` exist only here.
 */
export const METHODS: readonly Method[] = [
  row('stripe', 'pm_card_visa', 'Visa', 'accepted', {}, true),
  row('stripe', 'pm_card_mastercard', 'Mastercard', 'accepted', {}, true),
  row('stripe', 'pm_card_amex', 'American Express', 'accepted', {}, true),
  row(
    'stripe',
    'pm_card_chargeDeclined',
    'Declined card',
    'declined',
    { declines: declinedCard('generic_decline', 'Your card was declined.') },
    true,
  ),
  row(
    'stripe',
    'pm_card_chargeDeclinedInsufficientFunds',
    'Card with insufficient funds',
    'declined',
    { declines: declinedCard('insufficient_funds', 'Your card has insufficient funds.') },
    true,
  ),
  row(
    'stripe',
    'pm_card_chargeDeclinedExpiredCard',
    'Expired card',
    'declined',
    { declines: declinedCard('expired_card', 'Your card has expired.', 'expired_card') },
    true,
  ),
  row('stripe', 'pm_standin_slow', 'Slow bank (answers after 3 s)', 'accepted', {
    authorizationDelay: 'slow',
  }),
  row('stripe', 'pm_standin_very_slow', 'Very slow bank (answers after 8 s)', 'accepted', {
    authorizationDelay: 'very_slow',
  }),
  row('stripe', 'pm_standin_webhook_before_reply', 'Webhook before the reply', 'accepted', {
    webhookBeforeReply: true,
  }),
  row('stripe', 'pm_standin_webhook_duplicated', 'Every webhook three times', 'accepted', {
    webhookCopies: 3,
  }),
  row('stripe', 'pm_standin_webhook_reordered', 'Webhooks in the wrong order', 'accepted', {
    webhooksReordered: true,
  }),
  row('stripe', 'pm_standin_no_webhook', 'No webhook at all', 'accepted', { withoutWebhooks: true }),
  row('stripe', 'pm_standin_error_after_authorize', 'Reply lost after authorising', 'accepted', {
    losesReplyOf: 'authorize',
  }),
  row('stripe', 'pm_standin_error_after_capture', 'Reply lost after capturing', 'accepted', {
    losesReplyOf: 'capture',
  }),
  row('stripe', 'pm_standin_capture_declined', 'Authorises, capture declined', 'declined', {
    captureRefused: declinedCard('generic_decline', 'Your card was declined.'),
  }),
  row('stripe', 'pm_standin_capture_wrong_amount', 'Webhook states a wrong amount', 'accepted', {
    webhookWrongAmount: true,
  }),
  row('stripe', 'pm_standin_refund_fails', 'Refund refused', 'refund_refused', {
    refundRefused: {
      code: 'refund_disputed_payment',
      message: 'This charge has been charged back; it cannot be refunded.',
    },
  }),
  row('stripe', 'pm_standin_refund_fails_once', 'Refund refused the first time', 'refund_refused', {
    refundRefused: {
      code: 'refund_disputed_payment',
      message: 'This charge has been charged back; it cannot be refunded.',
    },
    refundsRefusedAtMost: 1,
  }),
  row('paypal', 'paypal_approve', 'PayPal, approved', 'accepted', {}),
  row('paypal', 'paypal_decline', 'PayPal, declined', 'declined', {
    declines: {
      code: 'INSTRUMENT_DECLINED',
      message:
        "The instrument presented was either declined by the processor or bank, or it can't be used for this payment.",
    },
  }),
  row('paypal', 'paypal_standin_slow', 'PayPal, slow (answers after 3 s)', 'accepted', {
    authorizationDelay: 'slow',
  }),
  row('paypal', 'paypal_standin_webhook_before_reply', 'PayPal, webhook before the reply', 'accepted', {
    webhookBeforeReply: true,
  }),
  row('paypal', 'paypal_standin_webhook_duplicated', 'PayPal, every webhook three times', 'accepted', {
    webhookCopies: 3,
  }),
  row('paypal', 'paypal_standin_error_after_capture', 'PayPal, reply lost after capturing', 'accepted', {
    losesReplyOf: 'capture',
  }),
];

const byName = new Map(METHODS.map((method) => [`${method.provider} ${method.method}`, method]));

/** The method of that name, or undefined if this provider has none. */
export function findMethod(provider: ProviderName, method: string): Method | undefined {
  return byName.get(`${provider} ${method}`);
}

/** What a known method does; a method that left the table since it was journalled does nothing special. */
export function behaviourOf(provider: ProviderName, method: string): Behaviour {
  return findMethod(provider, method)?.behaviour ?? {};
}

function row(
  provider: ProviderName,
  method: string,
  label: string,
  outcome: Method['outcome'],
  behaviour: Behaviour,
  real = false,
): Method {
  return { provider, method, label, outcome, real, behaviour };
}
