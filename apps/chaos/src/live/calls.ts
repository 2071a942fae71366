/** Calls of all services as one feed: as many as somebody can look at, what failed first. */
import type { LiveWire, WireCall, WirePage } from '@ballast/contracts';

/** Calls kept for whoever comes, and calls told at a time. */
const keptCalls = 200;
const toldCalls = 100;

export interface CallFeed {
  /** Takes what one service had to tell. */
  take(page: WirePage): void;
  /** What is to be told since the last time, oldest first; null where there is nothing. */
  drain(): LiveWire | null;
  /** The latest that were told, oldest first. */
  latest(): readonly WireCall[];
}

export function createCallFeed(): CallFeed {
  let pending: WireCall[] = [];
  let missed = 0;
  let kept: WireCall[] = [];
  return {
    take: (page) => {
      pending.push(...page.items);
      missed += page.missed;
    },
    drain: () => {
      if (pending.length === 0 && missed === 0) return null;
      const calls = sample(
        pending.sort((one, other) => (one.at < other.at ? -1 : one.at > other.at ? 1 : 0)),
        toldCalls,
      );
      const told = { calls, missed: missed + pending.length - calls.length };
      pending = [];
      missed = 0;
      kept = [...kept, ...calls].slice(-keptCalls);
      return told;
    },
    latest: () => kept,
  };
}

/** At most `limit` of them, in their order: up to half of those that failed, the others evenly spread over all. */
export function sample(calls: readonly WireCall[], limit: number): WireCall[] {
  if (calls.length <= limit) return [...calls];
  const failed = calls.filter(({ status }) => status >= 500);
  const others = calls.filter(({ status }) => status < 500);
  const room = Math.max(Math.floor(limit / 2), limit - others.length);
  const shown = new Set(spread(failed, Math.min(failed.length, room)));
  for (const call of spread(others, limit - shown.size)) shown.add(call);
  return calls.filter((call) => shown.has(call));
}

function spread<Item>(items: readonly Item[], count: number): Item[] {
  return Array.from({ length: count }, (_, index) => items[Math.floor((index * items.length) / count)]!);
}
