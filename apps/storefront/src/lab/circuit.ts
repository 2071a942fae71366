/** What the circuit breaker did since a moment, from two looks at the cluster. Pure. */
import type { BreakerState, LabCluster } from '@ballast/contracts';

export type Upstream = LabCluster['upstreams'][number];

/** The breaker in front of a service; null where the bff knows none by that name. */
export function upstreamNamed(cluster: LabCluster, name: string): Upstream | null {
  return cluster.upstreams.find((upstream) => upstream.name === name) ?? null;
}

/** The calls since an earlier look, by what became of them. */
export function callsSince(before: Upstream, now: Upstream): Upstream['totals'] {
  const since = (key: keyof Upstream['totals']): number => Math.max(0, now.totals[key] - before.totals[key]);
  return {
    answered: since('answered'),
    failed: since('failed'),
    shortCircuited: since('shortCircuited'),
    bulkheadRefused: since('bulkheadRefused'),
  };
}

/** A state the breaker came to, with the milliseconds since the look before. */
export type BreakerStep = { at: string; to: BreakerState; elapsed: number };

/** The transitions that were not there at the earlier look, oldest first. */
export function stepsSince(before: Upstream, now: Upstream, startedAt: string): BreakerStep[] {
  const known = new Set(before.transitions.map(keyOf));
  return now.transitions
    .filter((step) => !known.has(keyOf(step)))
    .map(({ at, to }) => ({ at, to, elapsed: Math.max(0, Date.parse(at) - Date.parse(startedAt)) }));
}

function keyOf({ at, to }: Upstream['transitions'][number]): string {
  return `${at} ${to}`;
}

/** Whether the whole round has been seen: it opened, and is closed again. */
export function hasComeRound(steps: readonly BreakerStep[]): boolean {
  return steps.some(({ to }) => to === 'open') && steps.at(-1)?.to === 'closed';
}
