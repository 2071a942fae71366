/** Every instance the bff knows, asked now, and the circuit breakers in front of them. */
import { LabCluster } from '@ballast/contracts';
import { breakerDefaults } from '@ballast/resilience';
import { problemResponses, type HttpServer } from '@ballast/service';
import { Type, type Static } from 'typebox';
import { Compile } from 'typebox/compile';
import type { Instance } from '../../clients/instances.ts';
import type { LabParts } from './index.ts';

const askTimeoutMs = 1_500;
const readiness = Compile(Type.Object({ failing: Type.Record(Type.String(), Type.String()) }));

const rule =
  `Opens after ${breakerDefaults.failuresInARow} failures in a row, or when more than ${breakerDefaults.failurePercent}% of ` +
  `at least ten calls within ${breakerDefaults.windowMs / 1_000} s fail; sends nothing for ${breakerDefaults.openMs / 1_000} s; ` +
  'then lets one probe through, which closes or opens it again.';

type ClusterInstance = Static<typeof LabCluster>['instances'][number];

export function clusterRoutes(
  lab: HttpServer,
  { instances, upstreams }: Pick<LabParts, 'instances' | 'upstreams'>,
): void {
  lab.get('/api/lab/cluster', { schema: { response: { 200: LabCluster, ...problemResponses } } }, async () => ({
    at: new Date().toISOString(),
    instances: await Promise.all([itself(lab), ...instances.all.map(stateOf)]),
    upstreams: upstreams.map(({ name, breaker, bulkhead }) => ({
      name,
      state: breaker.state,
      inFlight: bulkhead.inFlight,
      limit: bulkhead.limit,
      transitions: breaker.transitions.map(({ at, to }) => ({ at: at.toISOString(), to })),
      totals: {
        ...breaker.totals,
        shortCircuited: breaker.shortCircuited,
        bulkheadRefused: bulkhead.refused,
      },
    })),
    rule,
  }));
}

async function stateOf({ name, service, ask }: Instance): Promise<ClusterInstance> {
  const startedAt = performance.now();
  const told = { instance: name, service };
  try {
    const headers = ['accept', 'application/json'];
    const answer = await ask({ method: 'GET', path: '/readyz', headers, body: null, timeoutMs: askTimeoutMs });
    return { ...told, ...readinessIn(answer.status, answer.body.toString()), milliseconds: since(startedAt) };
  } catch {
    // Why it cannot be reached is not known here; that it cannot is the answer.
    return { ...told, state: 'unreachable', failing: {}, milliseconds: since(startedAt) };
  }
}

/** The bff asks itself without going through the network. */
async function itself(server: HttpServer): Promise<ClusterInstance> {
  const startedAt = performance.now();
  const answer = await server.inject({ method: 'GET', url: '/readyz', headers: { host: 'bff' } });
  const state = readinessIn(answer.statusCode, answer.body);
  return { instance: 'bff', service: 'bff', ...state, milliseconds: since(startedAt) };
}

function readinessIn(status: number, text: string): Pick<ClusterInstance, 'state' | 'failing'> {
  const content: unknown = JSON.parse(text);
  const failing = readiness.Check(content) ? content.failing : {};
  return { state: status === 200 ? 'ready' : 'not-ready', failing };
}

const since = (startedAt: number): number => Math.round((performance.now() - startedAt) * 10) / 10;
