/**
 * Whether at least one replica of each service answers. An open circuit is answer enough: nothing is sent then. A half-open
 * one counts as ready, because only a call can find out, and none would come to a bff that is not.
 */
import type { Upstream } from './upstream.ts';

/** Probes come every second from several sides; each service is asked once. In ms. */
const rememberMs = 1_000;
const timeoutMs = 700;

/** Checks for `/readyz`, one a service. */
export function upstreamChecks(upstreams: readonly Upstream[]): { name: string; check: () => Promise<void> }[] {
  return upstreams.map((upstream) => {
    let last: { at: number; result: Promise<void> } | undefined;
    return {
      name: upstream.name,
      check: () => {
        const now = performance.now();
        if (last === undefined || now - last.at > rememberMs) last = { at: now, result: probe(upstream) };
        return last.result;
      },
    };
  });
}

async function probe(upstream: Upstream): Promise<void> {
  if (upstream.breaker.state === 'open') throw new Error('the circuit is open');
  if (upstream.breaker.state === 'half-open') return;
  const headers = ['accept', 'application/json'];
  const request = { method: 'GET' as const, path: '/healthz', headers, body: null, repeatable: true };
  let status: number;
  try {
    ({ status } = await upstream.probe({ ...request, timeoutMs, attemptMs: timeoutMs / 2, rideOutMs: 0 }));
  } catch (error) {
    // The reason is for operators here, not for callers.
    throw error instanceof Error && error.cause instanceof Error ? error.cause : error;
  }
  if (status !== 200) throw new Error(`/healthz answered ${status}`);
}
