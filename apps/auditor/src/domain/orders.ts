/**
 * One order, judged by the rows of every service that knows it and by the payment provider's own ledger. Pure: what is
 * known goes in, what offends comes out.
 */
import type { Offence } from './board.ts';
import { brokenLog, repeatedEffect, type LogLine, type Rules } from './saga-log.ts';

/** Money of one order, in minor units, as a ledger has it. */
export interface Money {
  authorized: number;
  captured: number;
  refunded: number;
  /** What was let go again; the provider's own ledger has it taken off `authorized` already. */
  voided: number;
  currencies: readonly string[];
}

/** What the rows say of one order, all in one snapshot. */
export interface OrderFacts {
  orderId: string;
  /** Null where there is no saga. `restedMs`: since it moved last. */
  saga: { state: string; version: number; hasDeadline: boolean; restedMs: number } | null;
  /** Null where nobody has placed it. */
  placed: { total: number; currency: string } | null;
  /** State of its reservation; null where there is none. */
  reservation: string | null;
  log: readonly LogLine[];
  /** By our own ledger. */
  own: Money;
  /** State of its granted claim; null where there is none. */
  claim: string | null;
}

/** An offence and the invariant it is one against. `part` says by which witness. */
export type Judged = Offence & { invariant: number; part: 'orders' | 'ledger' };

/** An order has ended for so long, in ms, before its money and stock are looked at. */
export const restsBeforeMs = 2_000;
/** How long money and stock may be wrong after that, and after the last fault was healed (promise 1). */
const settles = { lasts: 5_000, afterHeal: 60_000 };
const atOnce = { lasts: 0 };

/**
 * What is wrong with an order. `provider` is its money by the provider's ledger, null where that has nothing of it, and
 * undefined where there is none to be had.
 */
export function judgeOrder(facts: OrderFacts, provider: Money | null | undefined, rules: Rules | null): Judged[] {
  return [
    ...judgeSaga(facts, rules),
    ...judgeReservation(facts),
    ...judgeMoney(facts, facts.own, 'orders'),
    ...(provider === undefined ? [] : judgeMoney(facts, provider ?? none, 'ledger')),
  ];
}

/** Money of an order that a ledger has nothing about. */
export const none: Money = { authorized: 0, captured: 0, refunded: 0, voided: 0, currencies: [] };

/** Whether the order has ended, and long enough ago to be judged by its stock and money. */
const hasRested = ({ saga }: OrderFacts): boolean =>
  saga !== null && (saga.state === 'Completed' || saga.state === 'Compensated') && saga.restedMs >= restsBeforeMs;

function judgeSaga({ orderId, saga, placed, log }: OrderFacts, rules: Rules | null): Judged[] {
  const offence = (invariant: number, why: string): Judged => ({
    invariant,
    part: 'orders',
    id: orderId,
    why: `order ${orderId}: ${why}`,
    ...atOnce,
  });
  if (saga === null) return placed === null ? [] : [offence(6, 'it was placed and has no saga')];
  const found: Judged[] = [];
  const broken = brokenLog(log, saga, rules);
  if (broken !== null) found.push(offence(6, broken));
  const rests = ['Completed', 'Compensated', 'RequiresReview'].includes(saga.state);
  if (!rests && !saga.hasDeadline) found.push(offence(6, `it is in ${saga.state} and nothing will ever wake it`));
  const repeated = repeatedEffect(log);
  if (repeated !== undefined)
    found.push(offence(5, `message ${repeated.messageId} has moved it by ${repeated.event} twice`));
  return found;
}

function judgeReservation(facts: OrderFacts): Judged[] {
  const { orderId, saga, reservation } = facts;
  if (saga === null || !hasRested(facts)) return [];
  const sold = reservation === 'committed';
  if ((saga.state === 'Completed') === sold) return [];
  const why = `order ${orderId}: it is ${saga.state} and its stock is ${reservation ?? 'not reserved'}`;
  return [{ invariant: 2, part: 'orders', id: orderId, why, ...settles }];
}

function judgeMoney(facts: OrderFacts, money: Money, part: Judged['part']): Judged[] {
  const { orderId, saga, placed, log } = facts;
  const whose = part === 'ledger' ? 'the provider’s ledger' : 'our ledger';
  const wrong = (invariant: number, why: string, times: Pick<Offence, 'lasts' | 'afterHeal'>): Judged[] => [
    { invariant, part, id: orderId, why: `order ${orderId}: ${why}, by ${whose}`, ...times },
  ];
  const kept = money.captured - money.refunded;
  const held = Math.max(0, money.authorized - money.voided - money.captured);
  if (placed === null)
    return kept === 0 && held === 0 ? [] : wrong(3, `${kept} kept and ${held} held, and nobody has placed it`, settles);
  // Paid twice is paid wrong as well: it is told once, as what it is.
  if (money.captured > placed.total) return wrong(4, `${money.captured} taken for ${placed.total}`, atOnce);
  if (saga === null || !hasRested(facts)) return [];
  // An operator has said that the money went back outside the provider.
  if (log.some(({ event }) => event === 'SettledByHand')) return [];
  const currency = money.currencies.find((other) => other !== placed.currency);
  if (currency !== undefined) return wrong(3, `money moved in ${currency} instead of ${placed.currency}`, settles);
  const due = dues(facts, saga.state, placed.total);
  if (!due.includes(kept))
    return wrong(3, `it is ${saga.state}, ${due.join(' or ')} is due and ${kept} was kept`, settles);
  if (held > 0) return wrong(3, `it is ${saga.state} and ${held} is still held`, settles);
  return [];
}

/** What may have been kept. While a granted claim's money is on its way, either. */
function dues({ claim }: OrderFacts, state: string, total: number): number[] {
  if (state !== 'Completed') return [0];
  if (claim === 'granted') return [total, 0];
  return [claim === 'refunded' ? 0 : total];
}
