/** What an order's history lights up in the drawing of its saga. Pure. */
import type { OrderTransition } from '@ballast/contracts';
import { elapsedMilliseconds } from '../format/time.ts';
import { edgeKey } from './layout.ts';

/** A line the order went along. */
export type VisitedEdge = {
  /** How often. */
  times: number;
  /** Milliseconds since the step before, of the last time; null on the first step of all. */
  elapsed: number | null;
};

export type SagaProgress = {
  /** By state: the instant it was last entered (RFC 3339). */
  enteredAt: ReadonlyMap<string, string>;
  /** By `edgeKey`. */
  edges: ReadonlyMap<string, VisitedEdge>;
};

/** Reads what was visited, and when, from the steps in order. */
export function progressOf(history: readonly OrderTransition[]): SagaProgress {
  const enteredAt = new Map<string, string>();
  const edges = new Map<string, VisitedEdge>();
  let before: OrderTransition | null = null;
  for (const step of history) {
    if (step.from !== step.to || !enteredAt.has(step.to)) enteredAt.set(step.to, step.at);
    if (step.from !== null) {
      const key = edgeKey(step.from, step.to);
      edges.set(key, {
        times: (edges.get(key)?.times ?? 0) + 1,
        elapsed: before === null ? null : elapsedMilliseconds(before.at, step.at),
      });
    }
    before = step;
  }
  return { enteredAt, edges };
}
