/** A payment provider: outside of the mesh, honest, and asked with idempotency keys. It tells of what it did by webhook, too. */
import type { Fact, Step } from './domains.ts';
import type { World } from './world.ts';

/** What the names of payment methods stand for. */
export const methods = {
  good: 'everything works',
  declined: 'is declined',
  'not-captured': 'is authorised, and refused when it is captured',
  'not-refunded': 'is captured; the first refund is refused',
  eager: 'is captured as soon as it is authorised, without being asked',
} as const;
export type Method = keyof typeof methods;

/** One order's money, as the provider sees it. */
export interface Account {
  method: Method;
  amount: number;
  state: 'authorized' | 'captured' | 'voided' | 'refunded' | 'declined';
  captured: number;
  refunded: number;
  refundsAsked: number;
}

export interface ProviderRequest {
  orderId: string;
  step: Step;
  key: string;
  method: Method;
  amount: number;
  retry: number;
}

export interface Webhook {
  id: string;
  orderId: string;
  fact: Fact;
}

export class Provider {
  readonly accounts = new Map<string, Account>();
  /** Answers given, by idempotency key. */
  readonly #answers = new Map<string, Fact>();
  readonly #world: World;
  readonly #send: (webhook: Webhook) => void;

  /** `send` delivers a webhook until it is answered. */
  constructor(world: World, send: (webhook: Webhook) => void) {
    this.#world = world;
    this.#send = send;
  }

  /** Carries out a request, once per key. */
  ask(request: ProviderRequest): Fact {
    const known = this.#answers.get(request.key);
    if (known !== undefined) return known;
    const fact = this.#carryOut(request);
    this.#answers.set(request.key, fact);
    this.#world.say?.(`provider: ${request.step} of ${request.orderId}: ${fact.kind}`);
    return fact;
  }

  #carryOut({ orderId, step, method, amount, retry }: ProviderRequest): Fact {
    const refused = (at: 'authorize' | 'capture' | 'refund'): Fact => ({
      kind: 'refused',
      refusal: { step: at, code: 'refused', detail: 'The provider refuses.', ...(at === 'refund' ? { retry } : {}) },
    });
    if (step === 'authorize') {
      const account: Account = {
        method,
        amount,
        state: method === 'declined' ? 'declined' : 'authorized',
        captured: 0,
        refunded: 0,
        refundsAsked: 0,
      };
      this.accounts.set(orderId, account);
      if (method === 'declined') return refused('authorize');
      if (method === 'eager') this.#capture(orderId, account);
      return { kind: 'authorized', reference: orderId, amount, currency: 'EUR' };
    }
    const account = this.accounts.get(orderId)!;
    const captured: Fact = {
      kind: 'captured',
      reference: orderId,
      captureReference: orderId,
      amount,
      currency: 'EUR',
    };
    switch (step) {
      case 'capture':
        if (method === 'not-captured' || account.state === 'voided') return refused('capture');
        if (account.state === 'authorized') this.#capture(orderId, account);
        return captured;
      case 'void':
        if (account.state === 'captured') return captured;
        account.state = 'voided';
        this.#tell(orderId, { kind: 'voided' });
        return { kind: 'voided' };
      case 'refund': {
        account.refundsAsked += 1;
        if (method === 'not-refunded' && account.refundsAsked === 1) return refused('refund');
        account.state = 'refunded';
        account.refunded += amount;
        const fact: Fact = { kind: 'refunded', amount, currency: 'EUR' };
        this.#tell(orderId, fact);
        return fact;
      }
    }
  }

  #capture(orderId: string, account: Account): void {
    account.state = 'captured';
    account.captured += account.amount;
    const { amount } = account;
    this.#tell(orderId, { kind: 'captured', reference: orderId, captureReference: orderId, amount, currency: 'EUR' });
  }

  #tell(orderId: string, fact: Fact): void {
    this.#send({ id: this.#world.newId('webhook-'), orderId, fact });
  }
}
