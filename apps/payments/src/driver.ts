/**
 * Brings what the provider has done to what is wanted. Whoever commits a change that leaves work to do holds a lease
 * on the payment and drives it at once; what a crash or an unreachable provider leaves behind is picked up by a sweep
 * when its lease or its pause is over. Every call carries an idempotency key made of the order and the step, so
 * repeating one whose answer was lost does nothing twice.
 */
import { declareFailPoints, failPoint } from '@ballast/faults';
import { runInTrace } from '@ballast/service';
import type { Providers } from './clients/providers.ts';
import { ProviderProtocolError } from './clients/provider.ts';
import {
  idempotencyKey as keyOf,
  nextStep,
  type Fact,
  type Payment,
  type Refusal,
  type Step,
} from './domain/payment.ts';
import { misdone } from './planted.ts';
import type { PaymentStore } from './store/payments.ts';

declareFailPoints({
  'before-provider-call': 'a payment is leased and the provider is about to be called; detail: the step',
  'after-provider-call': 'the provider has done it and that is not recorded yet; detail: the step',
});

/** Calls to providers at a time. */
const maximumCalls = 128;
/** Payments waiting for a call; what comes on top is left to the sweep, here or in another replica. */
const maximumQueued = 1_000;
/** How long a payment may have waited, in ms, for its lease (`store/sql.ts`) to still cover a call. */
const maximumWaitMs = 3_000;
const sweepEveryMs = 500;
/** Pauses between tries while a provider is not answering, in ms; the last one stays. */
const pausesMs = [200, 500, 1_000, 2_000, 4_000] as const;

export interface Driver {
  /** Drives a payment that the caller has just leased. */
  drive(payment: Payment): void;
  start(): void;
  /** Waits for calls under way; what is left is picked up at the next start. */
  stop(): Promise<void>;
}

export function createDriver(options: {
  store: PaymentStore;
  providers: Providers;
  onError: (message: string, error: unknown) => void;
}): Driver {
  const { store, providers, onError } = options;
  const queue: { payment: Payment; leasedAt: number }[] = [];
  const busy = new Set<Promise<void>>();
  const failures = new Map<string, number>();
  let stopped = false;

  const pump = (): void => {
    while (!stopped && busy.size < maximumCalls) {
      const next = queue.shift();
      if (next === undefined) return;
      const { payment, leasedAt } = next;
      // Somebody else may have it by now; if not, the sweep finds it when its lease is over.
      if (performance.now() - leasedAt > maximumWaitMs) continue;
      const done = runInTrace(undefined, () => settle(payment)).finally(() => {
        busy.delete(done);
        pump();
      });
      busy.add(done);
    }
  };

  /** Step after step until there is nothing left to do or the provider does not answer. */
  const settle = async (leased: Payment): Promise<void> => {
    let payment = leased;
    try {
      for (let step = nextStep(payment); step !== null && !stopped; step = nextStep(payment)) {
        await failPoint('before-provider-call', step);
        const fact =
          (await misdone(providers[payment.provider!], payment, step)) ?? (await call(providers, payment, step));
        await failPoint('after-provider-call', step);
        const applied = await store.fact(payment.orderId, fact, { kind: 'reply' }, true);
        failures.delete(payment.orderId);
        payment = applied.payment;
        if (!applied.leased) return;
      }
    } catch (error) {
      await postpone(payment, error);
    }
  };

  const postpone = async (payment: Payment, error: unknown): Promise<void> => {
    onError('a payment could not be moved on yet', error);
    const tries = (failures.get(payment.orderId) ?? 0) + 1;
    // Bounded: forgetting how often means only to try again a little sooner.
    if (failures.size > 10_000) failures.clear();
    failures.set(payment.orderId, tries);
    try {
      await store.postpone(
        payment.orderId,
        pausesMs[Math.min(tries, pausesMs.length) - 1]! * (0.75 + Math.random() / 2),
      );
    } catch (cause) {
      // Its lease runs out by itself.
      onError('a payment could not be given back', cause);
    }
  };

  const enqueue = (payments: readonly Payment[], leasedAt: number): void => {
    for (const payment of payments) if (queue.length < maximumQueued) queue.push({ payment, leasedAt });
    pump();
  };

  const sweep = async (): Promise<void> => {
    const room = maximumCalls - busy.size - queue.length;
    if (room <= 0) return;
    try {
      const asked = performance.now();
      enqueue(await store.takeAbandoned(room), asked);
    } catch (error) {
      onError('abandoned payments could not be looked for', error);
    }
  };

  let timer: NodeJS.Timeout | undefined;
  let sweeping: Promise<void> = Promise.resolve();
  const schedule = (): void => {
    timer = setTimeout(() => {
      sweeping = sweep();
      void sweeping.then(() => {
        if (!stopped) schedule();
      });
    }, sweepEveryMs);
  };

  return {
    drive: (payment) => enqueue([payment], performance.now()),
    start: schedule,
    stop: async () => {
      stopped = true;
      clearTimeout(timer);
      await sweeping;
      await Promise.all(busy);
    },
  };
}

/** Makes the call of a step and says what the provider has done. Throws when there was no usable answer. */
async function call(providers: Providers, payment: Payment, step: Step): Promise<Fact> {
  const provider = providers[payment.provider!];
  const { orderId, amount, currency } = payment;
  const idempotencyKey = keyOf(payment, step);
  const refused = (at: Refusal['step'], { code, detail }: { code: string; detail: string }): Fact => ({
    kind: 'refused',
    refusal: { step: at, code, detail, ...(at === 'refund' ? { retry: payment.retry } : {}) },
  });
  const reference = payment.reference ?? '';
  try {
    switch (step) {
      case 'authorize': {
        const result = await provider.authorize({ orderId, amount, currency, method: payment.method!, idempotencyKey });
        return result.outcome === 'authorized'
          ? { kind: 'authorized', reference: result.reference, amount, currency }
          : refused(step, result);
      }
      case 'capture': {
        const result = await provider.capture({ orderId, reference, amount, currency, idempotencyKey });
        return result.outcome === 'captured'
          ? { kind: 'captured', reference, captureReference: result.captureReference, amount: result.amount, currency }
          : refused(step, result);
      }
      case 'void': {
        const result = await provider.cancel({ orderId, reference, idempotencyKey });
        return result.outcome === 'voided'
          ? { kind: 'voided' }
          : { kind: 'captured', reference, captureReference: result.captureReference, amount: result.amount, currency };
      }
      case 'refund': {
        const taken = payment.capturedAmount ?? amount;
        const captureReference = payment.captureReference ?? '';
        const result = await provider.refund({
          orderId,
          reference,
          captureReference,
          amount: taken,
          currency,
          idempotencyKey,
        });
        return result.outcome === 'refunded' ? { kind: 'refunded', amount: taken, currency } : refused(step, result);
      }
    }
  } catch (error) {
    // A request the provider does not understand has had no effect and never will; only a void must not be given up.
    if (error instanceof ProviderProtocolError && step !== 'void') {
      return refused(step, {
        code: 'provider-error',
        detail: 'The payment provider could not process this payment.',
      });
    }
    throw error;
  }
}
