/** The services behind the bff, each with its breaker and bulkhead, and what metrics show of them. */
import type { BreakerState } from '@ballast/resilience';
import type { Logger, Metrics } from '@ballast/service';
import { Upstream } from './upstream.ts';

/** How a state is written in the gauge. */
const stateNumbers: Record<BreakerState, number> = { closed: 0, 'half-open': 1, open: 2 };

/** One upstream a name, with the base URLs of its replicas. */
export function createUpstreams<Name extends string>(
  origins: Record<Name, readonly string[]>,
  parts: { logger: Logger; metrics: Metrics },
): Record<Name, Upstream> {
  const { logger, metrics } = parts;
  const failures = metrics.counter(
    'bff_upstream_failures_total',
    'Attempts at a call to a service that got no answer, and calls that were not let through (overload, short-circuit).',
    ['upstream', 'kind'],
  );
  const transitions = metrics.counter('bff_breaker_transitions_total', 'Changes of state of circuit breakers.', [
    'upstream',
    'to',
  ]);
  const state = metrics.gauge('bff_breaker_state', 'State of a circuit breaker: 0 closed, 1 half-open, 2 open.', [
    'upstream',
  ]);
  const inFlight = metrics.gauge('bff_upstream_calls', 'Calls under way to a service.', ['upstream'], (gauge) => {
    for (const upstream of Object.values<Upstream>(upstreams)) {
      gauge.set({ upstream: upstream.name }, upstream.bulkhead.inFlight);
    }
  });

  const create = (name: Name): Upstream => {
    state.set({ upstream: name }, stateNumbers.closed);
    inFlight.set({ upstream: name }, 0);
    return new Upstream({
      name,
      origins: origins[name],
      onFailure: (kind) => failures.inc({ upstream: name, kind }),
      onTransition: ({ to }) => {
        state.set({ upstream: name }, stateNumbers[to]);
        transitions.inc({ upstream: name, to });
        if (to === 'open') logger.warn({ upstream: name }, 'circuit opened');
        else logger.info({ upstream: name }, to === 'closed' ? 'circuit closed' : 'circuit half-open');
      },
    });
  };
  const names = Object.keys(origins) as Name[];
  const upstreams = Object.fromEntries(names.map((name) => [name, create(name)])) as Record<Name, Upstream>;
  return upstreams;
}
