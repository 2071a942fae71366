/**
 * What happens to a payment: pure functions over one row. Commands say what is wanted, facts say what the provider
 * has done; `nextStep` is what the driver has to do to bring the two together. Facts only ever move a payment forward,
 * so they may come twice, late, or before their time.
 */
import type { EventType, MessageBody, PaymentProviderName } from '@ballast/contracts';

/** `refunded`: a claim about the completed order was granted; the order itself stays as it is. */
export type Wanted = 'nothing' | 'authorized' | 'captured' | 'cancelled' | 'refunded';
export type PaymentState = 'none' | 'authorized' | 'captured' | 'voided' | 'refunded' | 'declined';

/** Something the provider has refused for good. */
export interface Refusal {
  step: 'authorize' | 'capture' | 'refund';
  code: string;
  detail: string;
  /** Of a refund: which try it was, as `Payment.retry` counts; 0 where it is left out. */
  retry?: number;
}

export interface Payment {
  orderId: string;
  /** Null while nothing but a cancellation has been asked for. */
  provider: PaymentProviderName | null;
  method: string | null;
  /** Minor units. */
  amount: number;
  currency: string;
  wanted: Wanted;
  state: PaymentState;
  reference: string | null;
  captureReference: string | null;
  /** What was really taken, in minor units. */
  capturedAmount: number | null;
  refusal: Refusal | null;
  /** The claim the money is given back for; one payment, one claim. */
  claimId: string | null;
  /** How often an operator had the refund tried again. */
  retry: number;
}

/** What a provider has done, told by its reply or by a webhook. */
export type Fact =
  | { kind: 'authorized'; reference: string; amount: number; currency: string }
  | { kind: 'captured'; reference: string; captureReference: string; amount: number; currency: string }
  /** A webhook says how much was let go. */
  | { kind: 'voided'; amount?: number; currency?: string }
  | { kind: 'refunded'; amount: number; currency: string }
  | { kind: 'refused'; refusal: Refusal };

export interface LedgerEntry {
  kind: 'authorized' | 'captured' | 'voided' | 'refunded';
  amount: number;
  currency: string;
}

/** An event to tell, without its envelope. */
export type Told = { [T in EventType]: { type: T; body: MessageBody<T> } }[EventType];

export interface Change {
  payment: Payment;
  ledger: LedgerEntry[];
  events: Told[];
}

export type PaymentCommand =
  | { type: 'AuthorizePayment'; body: MessageBody<'AuthorizePayment'> }
  | { type: 'CapturePayment'; body: MessageBody<'CapturePayment'> }
  | { type: 'CancelPayment'; body: MessageBody<'CancelPayment'> }
  | { type: 'RefundPayment'; body: MessageBody<'RefundPayment'> };

export type Step = 'authorize' | 'capture' | 'void' | 'refund';

/**
 * The call to the provider that brings `state` nearer to `wanted`; null when there is none to make.
 *
 * To cancel an authorisation of which no answer came, it is asked for once more with the same idempotency key: the
 * provider then says what became of the first, and there is a reference to void.
 */
export function nextStep(payment: Payment): Step | null {
  const { state, wanted, refusal } = payment;
  if (payment.provider === null) return null;
  if (state === 'none') return wanted === 'nothing' ? null : 'authorize';
  if (state === 'authorized') {
    if (wanted === 'cancelled') return 'void';
    return wanted === 'captured' && refusal?.step !== 'capture' ? 'capture' : null;
  }
  const back = wanted === 'cancelled' || wanted === 'refunded';
  return state === 'captured' && back && refusal?.step !== 'refund' ? 'refund' : null;
}

/**
 * The idempotency key of a call: the same for every repetition of the same wish. A refund keeps the key it was begun
 * with until the provider has refused it; only then a retry gives it another.
 */
export function idempotencyKey({ orderId, claimId, retry }: Payment, step: Step): string {
  if (step !== 'refund') return `${orderId}-${step}`;
  const first = claimId === null ? `${orderId}-refund` : `${orderId}-refund-claim-${claimId}`;
  return retry > 0 ? `${first}-${retry}` : first;
}

const unchanged = (payment: Payment, ...events: Told[]): Change => ({ payment, ledger: [], events });

/** Applies a command. Commands may come again with another id: then the answer is told again. */
export function applyCommand(payment: Payment, command: PaymentCommand): Change {
  switch (command.type) {
    case 'AuthorizePayment': {
      // Given up before it began: the cancellation was faster.
      if (payment.wanted === 'cancelled')
        return unchanged(payment, declined(payment, 'order-given-up', 'The order was given up.'));
      if (payment.wanted === 'refunded') return unchanged(payment, captured(payment));
      if (payment.provider !== null) return unchanged(payment, ...answerTo('authorized', payment));
      const { provider, method, amount, currency } = command.body;
      // A capture that overtook its authorisation is not forgotten.
      const wanted = payment.wanted === 'captured' ? 'captured' : 'authorized';
      return unchanged({ ...payment, provider, method, amount, currency, wanted });
    }
    case 'CapturePayment': {
      if (payment.wanted === 'cancelled')
        return unchanged(payment, captureRefused(payment, 'order-given-up', 'The order was given up.'));
      // Taken once and given back for a claim since: for the order it is as captured as it ever was.
      if (payment.wanted === 'refunded') return unchanged(payment, captured(payment));
      const wanted: Payment = { ...payment, wanted: 'captured' };
      return unchanged(wanted, ...answerTo('captured', wanted));
    }
    case 'CancelPayment': {
      // Never asked for: remembered, so that an AuthorizePayment that comes late finds it given up.
      const cancelled: Payment =
        payment.provider === null
          ? { ...payment, wanted: 'cancelled', state: 'voided' }
          : { ...payment, wanted: 'cancelled' };
      const asked = triedAgain(cancelled, command.body.retry);
      return unchanged(asked, ...answerTo('cancelled', asked));
    }
    case 'RefundPayment':
      return refundFor(payment, command.body);
  }
}

/**
 * Forgets a refund's refusal where `retry` is a number not tried before. A number is used up by a try of its own; while
 * another try is under way there is nothing to try again.
 */
function triedAgain(payment: Payment, retry = 0): Payment {
  const again = retry > payment.retry && payment.state === 'captured' && payment.refusal?.step === 'refund';
  return again ? { ...payment, retry, refusal: null } : payment;
}

/** Gives money back for a claim, if there is any that is the shop's to give back. */
function refundFor(payment: Payment, { claimId, retry }: MessageBody<'RefundPayment'>): Change {
  const refuse = (code: string, detail: string): Change =>
    unchanged(payment, refundRefused(payment, claimId, code, detail));
  if (payment.claimId === claimId) {
    const asked = triedAgain(payment, retry);
    return unchanged(asked, ...answerToClaim(asked));
  }
  if (payment.claimId !== null)
    return refuse('claimed-already', 'The money of this order goes back, or went back, for another claim.');
  if (payment.wanted === 'cancelled')
    return refuse('order-given-up', 'The order was given up; what was paid goes back without a claim.');
  // Refunded without us, by hand at the provider: the claim has what it asks for.
  if (payment.state !== 'captured' && payment.state !== 'refunded')
    return refuse('not-captured', 'No money was taken for this order.');
  const wanted: Payment = { ...payment, wanted: 'refunded', claimId };
  return unchanged(wanted, ...answerToClaim(wanted));
}

/** Applies what the provider has done. Says nothing, changes nothing when it was known already. */
export function applyFact(payment: Payment, fact: Fact): Change {
  switch (fact.kind) {
    case 'authorized':
      if (payment.state !== 'none') return unchanged(payment);
      return moved({ ...payment, state: 'authorized', reference: fact.reference }, [ledgerOf(fact)]);
    case 'captured': {
      if (payment.state === 'captured' || payment.state === 'refunded') return unchanged(payment);
      // Money for a payment that was settled without it, or the wrong sum of it, goes straight back.
      const unwelcome = payment.state === 'voided' || payment.state === 'declined' || fact.amount !== payment.amount;
      const captured: Payment = {
        ...payment,
        state: 'captured',
        reference: fact.reference,
        captureReference: fact.captureReference,
        capturedAmount: fact.amount,
        wanted: unwelcome ? 'cancelled' : payment.wanted,
      };
      const change = moved(captured, [ledgerOf(fact)]);
      if (fact.amount !== payment.amount) {
        change.events.push(
          captureRefused(payment, 'amount-mismatch', 'The provider captured another amount than was asked for.'),
        );
      }
      return change;
    }
    case 'voided':
      if (payment.state !== 'authorized' && payment.state !== 'none') return unchanged(payment);
      return moved({ ...payment, state: 'voided' }, [
        { kind: 'voided', amount: payment.amount, currency: payment.currency },
      ]);
    case 'refunded':
      if (payment.state !== 'captured') return unchanged(payment);
      return moved({ ...payment, state: 'refunded' }, [ledgerOf(fact)]);
    case 'refused':
      return applyRefusal(payment, fact.refusal);
  }
}

function applyRefusal(payment: Payment, refusal: Refusal): Change {
  if (refusal.step === 'authorize') {
    if (payment.state !== 'none') return unchanged(payment);
    return moved({ ...payment, state: 'declined', refusal }, []);
  }
  const expected = refusal.step === 'capture' ? 'authorized' : 'captured';
  if (payment.state !== expected || payment.refusal?.step === refusal.step) return unchanged(payment);
  // The late answer to an earlier try says nothing about this one.
  if (refusal.step === 'refund' && (refusal.retry ?? 0) < payment.retry) return unchanged(payment);
  return moved({ ...payment, refusal }, []);
}

/** A change with whatever checkout and claims are waiting to hear about it. */
function moved(after: Payment, ledger: LedgerEntry[]): Change {
  // Captured at once: that it was authorised need not be told any more, and the other way round.
  const events = answerTo(after.wanted === 'nothing' ? 'authorized' : after.wanted, after);
  const early = after.wanted === 'authorized' && after.state === 'captured' ? [captured(after)] : [];
  return { payment: after, ledger, events: [...events, ...early, ...answerToClaim(after)] };
}

/** The event that answers what is wanted, if the payment's state already does. */
function answerTo(wanted: Exclude<Wanted, 'nothing'>, payment: Payment): Told[] {
  const { orderId, amount, currency, state, refusal } = payment;
  // The order has its money's worth: that is between claims and us.
  if (wanted === 'refunded') return [];
  if (wanted === 'cancelled') {
    if (state === 'captured' && refusal?.step === 'refund') {
      return [{ type: 'PaymentCancelRefused', body: { orderId, code: refusal.code, detail: refusal.detail } }];
    }
    if (state !== 'voided' && state !== 'refunded' && state !== 'declined') return [];
    return [
      {
        type: 'PaymentCancelled',
        body: { orderId, refunded: state === 'refunded' ? (payment.capturedAmount ?? amount) : 0, currency },
      },
    ];
  }
  if (state === 'declined')
    return [declined(payment, refusal?.code ?? 'declined', refusal?.detail ?? 'The payment was declined.')];
  if (state === 'voided')
    return [captureRefused(payment, 'voided-by-provider', 'The provider has let go of the money.')];
  if (state === 'refunded') return [captureRefused(payment, 'refunded-by-provider', 'The money was given back.')];
  if (wanted === 'captured') {
    if (state === 'captured') return [captured(payment)];
    return refusal?.step === 'capture' ? [captureRefused(payment, refusal.code, refusal.detail)] : [];
  }
  return state === 'authorized' ? [{ type: 'PaymentAuthorized', body: { orderId, amount, currency } }] : [];
}

/** The event that answers the claim, if there is one and its money's way has ended. */
function answerToClaim(payment: Payment): Told[] {
  const { orderId, amount, currency, state, refusal, claimId } = payment;
  if (claimId === null) return [];
  if (state === 'refunded')
    return [
      { type: 'PaymentRefunded', body: { orderId, claimId, refunded: payment.capturedAmount ?? amount, currency } },
    ];
  return state === 'captured' && refusal?.step === 'refund'
    ? [refundRefused(payment, claimId, refusal.code, refusal.detail)]
    : [];
}

const captured = ({ orderId, amount, currency }: Payment): Told => ({
  type: 'PaymentCaptured',
  body: { orderId, amount, currency },
});
const declined = ({ orderId }: Payment, code: string, detail: string): Told => ({
  type: 'PaymentDeclined',
  body: { orderId, code: code.slice(0, 100), detail: detail.slice(0, 500) },
});
const captureRefused = ({ orderId }: Payment, code: string, detail: string): Told => ({
  type: 'CaptureRefused',
  body: { orderId, code: code.slice(0, 100), detail: detail.slice(0, 500) },
});
const refundRefused = ({ orderId }: Payment, claimId: string, code: string, detail: string): Told => ({
  type: 'RefundRefused',
  body: { orderId, claimId, code: code.slice(0, 100), detail: detail.slice(0, 500) },
});
const ledgerOf = (fact: Extract<Fact, { amount: number }>): LedgerEntry => ({
  kind: fact.kind,
  amount: fact.amount,
  currency: fact.currency,
});
