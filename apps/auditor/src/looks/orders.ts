/**
 * Orders: each when it has moved, once more when it has rested, again while something is wrong with it, whenever the
 * provider's ledger has something new about it, and all of them in turn.
 */
import type { Queryable } from '@ballast/postgres';
import type { ProviderLedger } from '../clients/ledger.ts';
import type { Definition } from '../clients/definition.ts';
import { reasonOf } from '../clients/http.ts';
import type { Board, Finding, Offence } from '../domain/board.ts';
import { judgeOrder, restsBeforeMs, type Judged, type OrderFacts } from '../domain/orders.ts';
import { lowest } from '../domain/uuid7.ts';
import type { Follower } from '../follower.ts';
import { examineOrders, orderIdsBehind } from '../store/orders.ts';
import { plural, report, type PartName } from './look.ts';

/** Orders of the walks through all, ours and the ledger's, in each look: a hundred thousand take a few minutes. */
const walkSize = 400;
/** Orders examined in one look; what is beyond waits for the next. */
const mostExamined = 4_000;
/** Orders remembered to be looked at. What comes on top is met by the walk. */
const mostRemembered = 20_000;
const uuidShape = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

const byRows: readonly PartName[] = [
  [2, 'orders'],
  [3, 'orders'],
  [4, 'orders'],
  [5, 'orders'],
  [6, 'orders'],
];
const byLedger: readonly PartName[] = [
  [3, 'ledger'],
  [4, 'ledger'],
];

export interface OrderSources {
  board: Board;
  database: Queryable;
  follower: Follower;
  /** Undefined where the provider has none that can be read. */
  ledger: ProviderLedger | undefined;
  definition: Definition;
  now: () => number;
}

/** Returns the look; call it every second. */
export function createOrderLook({
  board,
  database,
  follower,
  ledger,
  definition,
  now,
}: OrderSources): () => Promise<void> {
  /** What is wrong with an order, by order. */
  const wrong = new Map<string, Judged[]>();
  /** When to look at an order. */
  const due = new Map<string, number>();
  /** Orders of the ledger without an id of ours; their lines are all there is to judge. */
  const strangers = new Set<string>();
  let walkedTo = lowest;
  let walked = 0;
  let walkedBefore: number | null = null;

  const remember = (orderId: string, at: number): void => {
    if (due.size < mostRemembered || due.has(orderId)) due.set(orderId, at);
  };

  /** An order of the provider's ledger. */
  const meet = (orderId: string): void => {
    if (uuidShape.test(orderId)) remember(orderId, now());
    else if (strangers.size < mostRemembered) strangers.add(orderId);
  };

  /** Who has moved is looked at at once, and so is whom the ledger has news of. Resolves to why that cannot be read. */
  const gather = async (): Promise<string | undefined> => {
    await follower.follow();
    for (const { orderId } of follower.takeChanged()) remember(orderId, now());
    if (ledger === undefined) return undefined;
    try {
      for (const orderId of await ledger.refresh()) meet(orderId);
      for (const orderId of ledger.walk(walkSize)) meet(orderId);
      return undefined;
    } catch (error) {
      return reasonOf(error);
    }
  };

  const choose = async (): Promise<string[]> => {
    const at = now();
    const chosen = new Set([...wrong.keys()].slice(0, mostExamined / 2));
    for (const [orderId, dueAt] of due) {
      if (chosen.size >= mostExamined) break;
      if (dueAt > at) continue;
      due.delete(orderId);
      chosen.add(orderId);
    }
    const walk = await orderIdsBehind(database, walkedTo, walkSize);
    for (const orderId of walk) chosen.add(orderId);
    walked += walk.length;
    walkedTo = walk.at(-1) ?? lowest;
    if (walk.length < walkSize) {
      walkedBefore = walked;
      [walked, walkedTo] = [0, lowest];
    }
    return [...chosen];
  };

  const judge = (facts: OrderFacts, rules: Parameters<typeof judgeOrder>[2], ledgerIsHere: boolean): void => {
    const provider = ledgerIsHere ? ledger?.moneyOf(facts.orderId) : undefined;
    const found = judgeOrder(facts, provider, rules);
    // What the ledger said while it could be read still stands.
    const kept = ledgerIsHere ? [] : (wrong.get(facts.orderId) ?? []).filter(({ part }) => part === 'ledger');
    if (found.length + kept.length > 0) wrong.set(facts.orderId, [...found, ...kept]);
    else wrong.delete(facts.orderId);
    const { saga } = facts;
    const ends = saga?.state === 'Completed' || saga?.state === 'Compensated';
    if (ends && saga.restedMs < restsBeforeMs) remember(facts.orderId, now() + restsBeforeMs - saga.restedMs + 100);
  };

  const findings = (parts: readonly PartName[], detail: string): Finding[] => {
    const all = [...wrong.values()].flat();
    return parts.map(([invariant, part]) => ({
      invariant,
      part,
      detail,
      offences: [
        ...all.filter((offence) => offence.invariant === invariant && offence.part === part),
        ...(part === 'ledger' && invariant === 3 ? moneyOfStrangers() : []),
      ],
    }));
  };

  const moneyOfStrangers = (): Offence[] =>
    [...strangers].flatMap((orderId) => {
      const money = ledger?.moneyOf(orderId);
      if (money === null || money === undefined || money.captured === money.refunded) return [];
      const why = `the provider has ${money.captured - money.refunded} of an order "${orderId}" that is none of ours`;
      return [{ id: orderId, why, lasts: 5_000, afterHeal: 60_000 }];
    });

  return async () => {
    let away: string | undefined = 'not asked, because the database cannot be';
    await report(board, 'the database', byRows, async () => {
      const [trouble, { rules, problem }] = await Promise.all([gather(), definition.get()]);
      const facts = await examineOrders(database, await choose());
      for (const order of facts) judge(order, rules, trouble === undefined);
      away = trouble;
      const all =
        walkedBefore === null ? 'the first walk through all is not over' : `of ${plural(walkedBefore, 'order')} in all`;
      return findings(byRows, `${plural(facts.length, 'order')} looked at, ${all}`).map((finding) =>
        finding.invariant === 6 && problem !== null ? { ...finding, detail: `${finding.detail}; ${problem}` } : finding,
      );
    });
    if (away !== undefined) {
      for (const [invariant, part] of byLedger) board.fail(invariant, part, `the provider’s ledger: ${away}`);
      return;
    }
    const lines = ledger === undefined ? 'cannot be read here' : `has ${plural(ledger.size, 'order')}`;
    await report(board, 'the provider’s ledger', byLedger, async () =>
      findings(byLedger, `the provider’s own ledger ${lines}`),
    );
  };
}
