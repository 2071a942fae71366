/** What a webhook is believed, and what is made of it. */
import { defect } from '@ballast/faults';
import { ProblemError } from '@ballast/service';
import { applyFact, type Change, type Fact, type Payment } from '../domain/payment.ts';

/** A signed event must still be about this payment and this sum; otherwise it throws, and nothing is changed at all. */
function believed(payment: Payment, fact: Fact, provider: string): Fact {
  if (payment.provider !== provider)
    throw new ProblemError('unknown-order', 'This order is not paid through this provider.');
  if (!('amount' in fact) || (fact.amount === payment.amount && fact.currency === payment.currency)) return fact;
  const { amount, currency } = payment;
  if (defect('payments.amount-unchecked')) return { ...fact, amount, currency };
  throw new ProblemError('amount-mismatch', 'The event is about another amount than the order.', { field: 'amount' });
}

/** Applies what a webhook of `provider` says. Throws a `ProblemError` (422) when it is about something else. */
export function applyEvidence(payment: Payment, fact: Fact, provider: string): Change {
  const change = applyFact(payment, believed(payment, fact, provider));
  if (change.payment === payment && fact.kind !== 'refused' && defect('payments.state-backwards'))
    return { ...change, payment: { ...payment, state: fact.kind } };
  return change;
}
