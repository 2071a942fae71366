/** Complaints about completed orders, some by several callers with one key, and an operator who decides about most. */
import { randomUUID } from 'node:crypto';
import { claimReasons, type Claim } from '@ballast/contracts';
import type { Shopper } from '../../shopper.ts';
import { insist, rest, type Acting } from './customer.ts';
import type { Buyers } from './orders.ts';

/** A claim that was answered 2xx. */
export interface Claimed {
  claimId: string;
  orderId: string;
  idempotencyKey: string;
  /** What the operator was answered 2xx. */
  decision: 'grant' | 'refuse' | null;
}

/** Of completed orders, so many are complained about; of complaints, so many are made twice at once, decided, granted. */
const claimedShare = 0.5;
const twiceShare = 0.3;
const decidedShare = 0.7;
const grantedShare = 0.6;
const patienceMs = 45_000;
const lookMs = 300;

export class Complaints {
  readonly #buyers: Buyers;
  readonly #shopper: Shopper;
  readonly #operator: Shopper;
  readonly #acting: Acting;
  readonly #open = new Set<Promise<void>>();
  readonly claimed: Claimed[] = [];
  /** Sentences. */
  readonly violations: string[] = [];

  constructor(parts: { buyers: Buyers; shopper: Shopper; operator: Shopper; acting: Acting }) {
    this.#buyers = parts.buyers;
    this.#shopper = parts.shopper;
    this.#operator = parts.operator;
    this.#acting = parts.acting;
  }

  /** Resolves once the signal has aborted and all that were begun have been answered, or given up. */
  async run(): Promise<void> {
    const { signal, chance } = this.#acting;
    while (!signal.aborted) {
      await rest(lookMs, signal);
      for (const { orderId } of this.#buyers.completed.splice(0)) {
        if (!chance.hit(claimedShare)) continue;
        const claiming = this.#claim(orderId).finally(() => this.#open.delete(claiming));
        this.#open.add(claiming);
      }
    }
    await Promise.all(this.#open);
  }

  async #claim(orderId: string): Promise<void> {
    const { chance, tally } = this.#acting;
    const body = {
      orderId,
      reason: chance.pick(claimReasons),
      details: `What came of order ${orderId} is not what was ordered.`,
    };
    const key = randomUUID();
    const callers = chance.hit(twiceShare) ? 2 : 1;
    const answers = await Promise.all(
      Array.from({ length: callers }, () =>
        insist(this.#shopper, this.#acting, patienceMs, 'POST', '/api/claims', {
          body,
          headers: { 'idempotency-key': key },
        }),
      ),
    );
    const good = answers.filter((answer) => answer?.status === 200 || answer?.status === 201);
    const ids = new Set(good.map((answer) => (answer!.body as Claim).claimId));
    if (good.length < callers) tally.count('not filed');
    if (ids.size > 1) this.violations.push(`one claim per key: ${key} was answered with ${[...ids].join(' and ')}`);
    if (good.filter((answer) => answer!.status === 201).length > 1) {
      this.violations.push(`one claim per key: ${key} was answered 201 twice`);
    }
    const [claimId] = ids;
    if (claimId === undefined) return;
    tally.count('filed');
    const claimed: Claimed = { claimId, orderId, idempotencyKey: key, decision: null };
    this.claimed.push(claimed);
    if (!chance.hit(decidedShare)) return;
    const decision = chance.hit(grantedShare) ? 'grant' : 'refuse';
    const decided = await insist(this.#operator, this.#acting, patienceMs, 'POST', `/api/claims/${claimId}/decision`, {
      body: { decision },
    });
    if (decided?.status !== 200) return;
    claimed.decision = decision;
    tally.count(decision === 'grant' ? 'granted' : 'refused');
  }
}
