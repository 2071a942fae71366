/** Who may see what Prometheus has measured, and what the others are told. Pure. */
import type { SessionView } from '../state/session.ts';

export type MetricsAccess = { allowed: true } | { allowed: false; why: 'asking' | 'signed-out' | 'not-operator' };

/** Unlike `/lab` and `/chaos` it changes nothing, so it does not need lab mode: operators may always look. */
export function metricsAccess({ status, user }: SessionView): MetricsAccess {
  if (status === 'unknown') return { allowed: false, why: 'asking' };
  if (user === null) return { allowed: false, why: 'signed-out' };
  return user.roles.includes('operator') ? { allowed: true } : { allowed: false, why: 'not-operator' };
}
