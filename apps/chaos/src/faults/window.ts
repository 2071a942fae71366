/** Whether anything is broken on purpose, as the auditor is told: while it is, what is not as it must be has its time. */
import type { Entry } from './entry.ts';

/** How long a recovery, or the undoing of what failed, counts as fault time, in ms: after that what is wrong is wrong. */
const recoveryGraceMs = 30_000;

/** Body of the auditor's `PUT /lab/fault-window`. */
export interface FaultWindow {
  active: boolean;
  lastHealAt: string | null;
}

export interface WindowKeeper {
  window(): FaultWindow;
  /** Tells listeners if it has become another since the last look. */
  look(): void;
  onChange(listener: () => void): void;
}

/** Closed at first. `felt` are the faults that are not over, or not taken back. */
export function createWindowKeeper(felt: () => readonly Entry[]): WindowKeeper {
  const listeners: (() => void)[] = [];
  let wasActive = false;
  let lastHealAt: number | null = null;

  const isActive = (): boolean => {
    const now = Date.now();
    // A control is no fault in this sense: what it breaks has to be seen at once.
    return felt().some(
      ({ state, endedAt, request }) =>
        request.kind !== 'control' && (state === 'active' || now - (endedAt ?? now) < recoveryGraceMs),
    );
  };
  return {
    window: () => ({ active: isActive(), lastHealAt: lastHealAt === null ? null : new Date(lastHealAt).toISOString() }),
    look: () => {
      const active = isActive();
      if (active === wasActive) return;
      wasActive = active;
      if (!active) lastHealAt = Date.now();
      for (const listener of listeners) listener();
    },
    onChange: (listener) => void listeners.push(listener),
  };
}
