/** Every request the controller makes at the bff, counted once: into the seconds that are drawn and into faults' receipts. */
import type { Observation } from './domain/receipt.ts';
import { createSeconds, type JournalSecond } from './domain/seconds.ts';

export interface Journal {
  note(observation: Observation): void;
  /** An order was answered 202. */
  order(): void;
  /** Finished seconds, oldest first. */
  finish(): readonly JournalSecond[];
  /** Since the start. */
  totals(): { requests: number; failed: number };
  /** `listener` is told of each request. */
  onRequest(listener: (observation: Observation) => void): void;
}

export function createJournal(): Journal {
  const seconds = createSeconds(Date.now());
  const listeners: ((observation: Observation) => void)[] = [];
  const totals = { requests: 0, failed: 0 };
  return {
    note: (observation) => {
      totals.requests += 1;
      if (observation.failed) totals.failed += 1;
      seconds.note(observation);
      for (const listener of listeners) listener(observation);
    },
    order: () => seconds.order(),
    finish: () => seconds.finish(Date.now()),
    totals: () => ({ ...totals }),
    onRequest: (listener) => void listeners.push(listener),
  };
}
