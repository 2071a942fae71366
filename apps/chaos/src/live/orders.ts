/** Orders under way, as their rows move: a bounded number of them, each whole, so that what is drawn makes sense. */
import { finalOrderStates, type LiveOrder, type LiveOrders, type Move } from '@ballast/contracts';

/** Orders followed at a time. */
const maximumOrders = 500;
/** Moves told at a time. */
const maximumMoves = 500;
/** How long an order that has ended stays, in ms. */
const lingerMs = 3_000;

/** Moves that wait to be told; what comes on top is counted. */
const maximumPending = 5_000;

export interface FollowedOrders {
  /** Takes moves in the order they were made, and the orders by state as rows have them. */
  take(moves: readonly Move[], totals: Record<string, number>): void;
  /** What is to be told since the last time, at `now` (ms on a steady clock); null where nothing has changed. */
  drain(now: number): LiveOrders | null;
  /** Orders as they stand after what was told last. */
  inFlight(): LiveOrder[];
  totals(): Record<string, number>;
  /** Orders that have not come to rest, as rows have them. */
  unfinished(): number;
  /** Orders begun, completed and compensated since it was asked before. */
  ended(): { placed: number; completed: number; compensated: number };
}

/** Follows up to `limit` orders. An order that begins when there is no room is only counted, with all its moves. */
export function followOrders(limit = maximumOrders): FollowedOrders {
  const followed = new Map<string, LiveOrder>();
  /** Those that have come to rest, oldest first, with when that was seen. */
  const resting = new Map<string, number>();
  let pending: Move[] = [];
  let skipped = 0;
  let totals: Record<string, number> = {};
  let told: Record<string, number> = {};
  let ended = { placed: 0, completed: 0, compensated: 0 };

  const forget = (orderId: string): void => {
    followed.delete(orderId);
    resting.delete(orderId);
  };
  const hasRoom = (): boolean => {
    if (followed.size < limit) return true;
    const [oldest] = resting.keys();
    if (oldest === undefined) return false;
    forget(oldest);
    return true;
  };
  /** Whether the move is about an order that is followed. */
  const follow = ({ orderId, to, at, event }: Move, now: number): boolean => {
    if (!followed.has(orderId) && !hasRoom()) return false;
    followed.set(orderId, { orderId, state: to, at, event });
    if (finalOrderStates.includes(to)) resting.set(orderId, now);
    else resting.delete(orderId);
    return true;
  };

  return {
    take: (moves, counted) => {
      for (const move of moves) {
        if (move.from === null) ended.placed += 1;
        if (move.to === 'Completed') ended.completed += 1;
        if (move.to === 'Compensated') ended.compensated += 1;
        if (pending.length < maximumPending) pending.push(move);
        else skipped += 1;
      }
      totals = counted;
    },
    drain: (now) => {
      for (const [orderId, since] of resting) if (now - since >= lingerMs) forget(orderId);
      if (pending.length === 0 && skipped === 0 && sameCounts(told, totals)) return null;
      const moves = pending.filter((move) => follow(move, now)).slice(0, maximumMoves);
      const update = { moves, skipped: skipped + pending.length - moves.length, totals };
      told = totals;
      pending = [];
      skipped = 0;
      return update;
    },
    inFlight: () => [...followed.values()],
    totals: () => told,
    unfinished: () => sum(Object.entries(totals).filter(([state]) => !isFinal(state))),
    ended: () => {
      const before = ended;
      ended = { placed: 0, completed: 0, compensated: 0 };
      return before;
    },
  };
}

const isFinal = (state: string): boolean => finalOrderStates.some((final) => final === state);

const sum = (counts: readonly [string, number][]): number => counts.reduce((total, [, orders]) => total + orders, 0);

function sameCounts(one: Record<string, number>, other: Record<string, number>): boolean {
  const keys = Object.keys(one);
  return keys.length === Object.keys(other).length && keys.every((key) => one[key] === other[key]);
}
