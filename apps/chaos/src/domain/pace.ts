/** An open loop: how many are due now, at so many a second, whatever became of those before. */

export interface Pace {
  /** How many have become due since the last call; `now` in ms on a clock that only goes forward. */
  due(now: number): number;
  /** From now on so many a second; 0 for none. */
  set(perSecond: number, now: number): void;
}

/** Nobody catches up on more than this, in ms: a loop that was held up does not come back as a flood. */
const mostBehindMs = 1_000;

export function createPace(): Pace {
  let perSecond = 0;
  let paidUntil = 0;
  return {
    due: (now) => {
      if (perSecond === 0) return 0;
      paidUntil = Math.max(paidUntil, now - mostBehindMs);
      const count = Math.floor(((now - paidUntil) * perSecond) / 1_000);
      paidUntil += (count * 1_000) / perSecond;
      return count;
    },
    set: (next, now) => {
      // A slower or faster pace goes on from where it is; one that begins, begins now.
      if (perSecond === 0) paidUntil = now;
      perSecond = next;
    },
  };
}
