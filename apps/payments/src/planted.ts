/** Planted defects of captures, by which the auditor's invariants about money turn red. */
import { defect } from '@ballast/faults';
import type { PaymentProvider } from './clients/provider.ts';
import type { Fact, Payment, Step } from './domain/payment.ts';

/** What a planted defect says the provider has done; null where the provider is to be asked. */
export async function misdone(provider: PaymentProvider, payment: Payment, step: Step): Promise<Fact | null> {
  if (step !== 'capture') return null;
  const { amount, currency } = payment;
  const reference = payment.reference ?? '';
  if (defect('payments.capture-in-name-only'))
    return { kind: 'captured', reference, captureReference: 'none', amount, currency };
  if (defect('payments.capture-twice')) await captureAnother(provider, payment);
  return null;
}

/** As if each try were a payment of its own: another authorisation under another key, captured as well. */
async function captureAnother(provider: PaymentProvider, payment: Payment): Promise<void> {
  const { orderId, amount, currency, method } = payment;
  const again = { orderId, amount, currency };
  const held = await provider.authorize({ ...again, method: method!, idempotencyKey: `${orderId}-authorize-again` });
  if (held.outcome !== 'authorized') return;
  await provider.capture({ ...again, reference: held.reference, idempotencyKey: `${orderId}-capture-again` });
}
