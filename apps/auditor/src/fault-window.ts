/** Whether something is broken on purpose now, as the chaos controller tells it. */
import type { FaultWindow } from '@ballast/contracts';
import type { FaultState } from './domain/board.ts';

export interface FaultWindowKeeper {
  tell(window: FaultWindow): void;
  state: () => FaultState;
}

/** What the controller has told is believed for so long, in ms; it tells every second. */
const believedMs = 10_000;

/** Outside the lab nothing is broken on purpose. In it, nobody knows until somebody says so. */
export function createFaultWindow(labMode: boolean, now: () => number = Date.now): FaultWindowKeeper {
  let told: { window: FaultWindow; at: number } | undefined;
  let healedAt: number | null = null;
  return {
    tell: (window) => {
      told = { window, at: now() };
      healedAt = window.lastHealAt === null ? healedAt : Date.parse(window.lastHealAt);
    },
    state: () => {
      if (!labMode) return { faults: 'none', healedAt: null };
      const isFresh = told !== undefined && now() - told.at <= believedMs;
      return { faults: !isFresh ? 'unknown' : told!.window.active ? 'active' : 'none', healedAt };
    },
  };
}
