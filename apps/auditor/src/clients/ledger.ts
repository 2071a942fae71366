/**
 * The payment provider's own ledger, the one witness outside the mesh. It is asked each second for what has changed since;
 * a ledger that knows nothing of that, or was started anew, answers with all of it.
 */
import { Type, type Static } from 'typebox';
import { Compile } from 'typebox/compile';
import type { Money } from '../domain/orders.ts';
import type { Get } from './http.ts';

const Line = Type.Object({
  orderId: Type.String({ maxLength: 500 }),
  provider: Type.String(),
  currency: Type.String(),
  authorized: Type.Integer(),
  captured: Type.Integer(),
  refunded: Type.Integer(),
});
type Line = Static<typeof Line>;
const check = Compile(Type.Array(Line));

export interface ProviderLedger {
  /** Reads what has changed; resolves to the orders it concerns, none the first time. Rejects when it cannot be had. */
  refresh(): Promise<Set<string>>;
  /** An order's money; null where the ledger has nothing of it. Undefined for an order too old to be remembered. */
  moneyOf(orderId: string): Money | null | undefined;
  /** The next orders of a walk through all, at most `limit`; it begins anew by itself. */
  walk(limit: number): string[];
  /** Orders it has lines of. */
  readonly size: number;
}

/** Orders remembered; the oldest go first. About 100 MB at most. */
const mostRemembered = 300_000;
/** All of a large ledger takes a while; what has changed does not. */
const timeoutMs = 900;
const firstTimeoutMs = 10_000;
const limitBytes = 128 * 1024 * 1024;

export function createProviderLedger(address: string, get: Get): ProviderLedger {
  const url = new URL(/\/ledger\/?$/.test(address) ? address : `${address.replace(/\/+$/, '')}/ledger`);
  /** Most orders have one line: with one provider, in one currency. */
  let orders = new Map<string, Line[]>();
  /** Orders were forgotten: who is not in it may have been. */
  let forgot = false;
  let cursor: string | undefined;
  let isKnown = false;
  let walking = orders.keys();

  const ask = async (): Promise<{ lines: Line[]; isAll: boolean }> => {
    if (cursor === undefined) url.searchParams.delete('after');
    else url.searchParams.set('after', cursor);
    const limits = { timeoutMs: cursor === undefined ? firstTimeoutMs : timeoutMs, limitBytes };
    const answer = await get(url.href, limits);
    if (answer.status !== 200) throw new Error(`it answered ${answer.status}`);
    const lines: unknown = JSON.parse(answer.text);
    if (!check.Check(lines)) throw new Error('it answered something that is no ledger');
    const { 'x-ledger-cursor': next, 'x-ledger-after': after } = answer.headers;
    const isAll = cursor === undefined || after !== cursor;
    cursor = typeof next === 'string' ? next : undefined;
    return { lines, isAll };
  };

  return {
    refresh: async () => {
      const { lines, isAll } = await ask();
      const before = orders;
      if (isAll) {
        orders = new Map();
        walking = orders.keys();
        forgot = false;
      }
      const changed = new Set<string>();
      for (const line of lines) {
        const others = (orders.get(line.orderId) ?? []).filter((other) => !isSameAccount(other, line));
        orders.set(line.orderId, [...others, line]);
        const known = before.get(line.orderId)?.find((other) => isSameAccount(other, line));
        if (isKnown && (!isAll || known === undefined || !isSame(known, line))) changed.add(line.orderId);
      }
      isKnown = true;
      for (const oldest of orders.keys()) {
        if (orders.size <= mostRemembered) break;
        orders.delete(oldest);
        forgot = true;
      }
      return changed;
    },
    moneyOf: (orderId) => {
      const lines = orders.get(orderId);
      if (lines === undefined) return forgot ? undefined : null;
      return sumOf(lines);
    },
    walk: (limit) => {
      const ids: string[] = [];
      while (ids.length < limit) {
        const next = walking.next();
        if (next.done === true) {
          walking = orders.keys();
          break;
        }
        ids.push(next.value);
      }
      return ids;
    },
    get size() {
      return orders.size;
    },
  };
}

const isSameAccount = (a: Line, b: Line): boolean => a.provider === b.provider && a.currency === b.currency;
const isSame = (a: Line, b: Line): boolean =>
  a.authorized === b.authorized && a.captured === b.captured && a.refunded === b.refunded;

function sumOf(lines: readonly Line[]): Money {
  const sum = { authorized: 0, captured: 0, refunded: 0, voided: 0 };
  for (const line of lines) {
    sum.authorized += line.authorized;
    sum.captured += line.captured;
    sum.refunded += line.refunded;
  }
  const moved = lines.filter(({ captured }) => captured > 0);
  return { ...sum, currencies: [...new Set(moved.map(({ currency }) => currency))] };
}
