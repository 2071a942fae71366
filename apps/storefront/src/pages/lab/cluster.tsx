/** The cluster at a glance: every instance, the parts below, and the breakers between. */
import { useEffect } from 'preact/hooks';
import type { LabCluster } from '@ballast/contracts';
import { Failure } from '../../components/messages.tsx';
import { labAccess } from '../../lab/access.ts';
import { partsOf } from '../../lab/parts.ts';
import { services } from '../../lab/services.ts';
import { clusterView, watchCluster } from '../../state/lab-cluster.ts';
import { session } from '../../state/session.ts';
import { formatClock, formatDuration } from '../../format/time.ts';

type Instance = LabCluster['instances'][number];

const stateWords: Record<Instance['state'], string> = {
  ready: 'Ready',
  'not-ready': 'Not ready',
  unreachable: 'Unreachable',
};

const partWords = { fine: 'In order', failing: 'Failing', unknown: 'Not known' };

export function Cluster() {
  const { allowed } = labAccess(session.value);
  useEffect(() => (allowed ? watchCluster() : undefined), [allowed]);
  const { connection, cluster, error, ...evidence } = clusterView.value;
  const shown = allowed ? cluster : null;
  const parts = allowed ? partsOf(shown, evidence) : partsOf(null, { buckets: null, credentials: null });
  return (
    <section class="lab-section" aria-labelledby="cluster">
      <div class="lab-section-head">
        <h2 id="cluster">The cluster at a glance</h2>
        {allowed && <ClusterConnection connection={connection} at={cluster?.at} />}
      </div>
      <p>
        Every request of a browser ends at the bff, which asks the services. Each of them owns one schema of PostgreSQL
        that nobody else touches. {!allowed && 'What each of them is doing now is shown to operators.'}
      </p>
      {allowed && connection === 'reconnecting' && error !== null && <Failure error={error} />}
      <div data-testid="instances" class="layers">
        <h3 class="lab-subhead">The door: browsers and payment providers come in here</h3>
        <Instances names={['bff']} cluster={shown} />
        <h3 class="lab-subhead">Services: asked over HTTP, talking among themselves by messages</h3>
        <Instances names={servicesBehind(shown)} cluster={shown} />
      </div>
      <h3 class="lab-subhead">Parts: what they keep things in, and whom they ask</h3>
      <ul class="instances instances-parts" data-testid="parts">
        {parts.map(({ name, state, note }) => (
          <li key={name} class={`instance instance-${state}`} data-part={name} data-state={state}>
            <strong>{name}</strong>
            {allowed && (
              <>
                <span class="instance-state">{partWords[state]}</span>
                <span class="small">{note}</span>
              </>
            )}
          </li>
        ))}
      </ul>
      {shown !== null && shown.upstreams.length > 0 && <Breakers cluster={shown} />}
    </section>
  );
}

/** All services behind the bff: those of the reference, and whatever else the bff knows. */
function servicesBehind(cluster: LabCluster | null): string[] {
  const known = services.filter(({ apart }) => apart !== true).map(({ name }) => name);
  const told = cluster?.instances.map(({ service }) => service) ?? [];
  return [...new Set([...known, ...told])].filter((name) => name !== 'bff');
}

function Instances({ names, cluster }: { names: readonly string[]; cluster: LabCluster | null }) {
  return (
    <ul class="instances">
      {names.map((name) => {
        const told = cluster?.instances.filter(({ service }) => service === name) ?? [];
        if (told.length > 0)
          return told.map((instance) => <InstanceTile key={instance.instance} instance={instance} />);
        const replicas = services.find((service) => service.name === name)?.replicas ?? 1;
        return (
          <li key={name} class="instance instance-unknown">
            <strong>{name}</strong>
            <span class="small">{replicas === 1 ? 'one instance' : `${replicas} replicas`}</span>
          </li>
        );
      })}
    </ul>
  );
}

const connectionWords = {
  idle: 'Not asked',
  connecting: 'Connecting…',
  live: 'Live',
  reconnecting: 'Reconnecting…',
};

function ClusterConnection({ connection, at }: { connection: keyof typeof connectionWords; at: string | undefined }) {
  return (
    <span class={`connection connection-${connection}`} data-testid="cluster-connection" data-connection={connection}>
      {connectionWords[connection]}
      {connection === 'reconnecting' && at !== undefined && ` What you see is from ${formatClock(at)}.`}
    </span>
  );
}

function InstanceTile({ instance }: { instance: Instance }) {
  const failing = Object.entries(instance.failing);
  return (
    <li class={`instance instance-${instance.state}`} data-instance={instance.instance} data-state={instance.state}>
      <strong>{instance.instance}</strong>
      <span class="instance-state">{stateWords[instance.state]}</span>
      <span class="small">
        {failing.length === 0
          ? instance.state === 'ready' && `in ${formatDuration(instance.milliseconds)}`
          : failing.map(([name, reason]) => `${name}: ${reason}`).join('; ')}
      </span>
    </li>
  );
}

function Breakers({ cluster }: { cluster: LabCluster }) {
  return (
    <>
      <table class="rows" data-testid="breakers">
        <caption>Circuit breakers of the bff, counted since it started</caption>
        <thead>
          <tr>
            <th scope="col">In front of</th>
            <th scope="col">State</th>
            <th scope="col">In flight</th>
            <th scope="col">Answered</th>
            <th scope="col">Failed</th>
            <th scope="col">Not asked</th>
          </tr>
        </thead>
        <tbody>
          {cluster.upstreams.map(({ name, state, inFlight, limit, totals }) => (
            <tr key={name} data-upstream={name} data-state={state}>
              <td data-column="In front of">{name}</td>
              <td data-column="State">
                <span class={`breaker breaker-${state}`}>{state}</span>
              </td>
              <td data-column="In flight">
                {inFlight} of {limit}
              </td>
              <td data-column="Answered">{totals.answered}</td>
              <td data-column="Failed">{totals.failed}</td>
              <td data-column="Not asked">{totals.shortCircuited + totals.bulkheadRefused}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <p class="small">{cluster.rule}</p>
    </>
  );
}
