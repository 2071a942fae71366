/** The cluster as the bff last told it, asked every other second while somebody looks. */
import { signal } from '@preact/signals';
import type { LabBuckets, LabCluster, LabCredentials } from '@ballast/contracts';
import { getBuckets, getCluster, getCredentials } from '../api/lab.ts';
import { isAbort } from '../api/client.ts';
import { ApiError } from '../api/errors.ts';

export type ClusterView = {
  /**
   * - `idle`          nobody is allowed to ask, or nobody looks
   * - `connecting`    asked for the first time
   * - `live`          what is shown is the last answer
   * - `reconnecting`  the last question failed; what is shown is older
   */
  connection: 'idle' | 'connecting' | 'live' | 'reconnecting';
  cluster: LabCluster | null;
  buckets: LabBuckets | null;
  credentials: LabCredentials | null;
  error: unknown;
};

const nothing: ClusterView = { connection: 'idle', cluster: null, buckets: null, credentials: null, error: null };

export const clusterView = signal<ClusterView>(nothing);

/** Milliseconds between two questions, and the longest pause while there is no answer. */
const every = 2_000;
const longestPause = 15_000;

/** What changes seldom is asked with each so-manieth question. */
const seldom = 5;

/** Begins to ask; the function it gives back ends it. A page in the background asks nothing. */
export function watchCluster(): () => void {
  const abort = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let wait = every;
  let round = 0;
  let asking = false;
  clusterView.value = { ...clusterView.peek(), connection: 'connecting', error: null };

  const ask = async (): Promise<void> => {
    if (asking || document.visibilityState === 'hidden') return;
    asking = true;
    try {
      const isNth = round % seldom === 0;
      const [cluster, buckets, credentials] = await Promise.all([
        getCluster(abort.signal),
        isNth ? unlessRefused(getBuckets(abort.signal)) : null,
        isNth ? unlessRefused(getCredentials('identity', abort.signal)) : null,
      ]);
      if (abort.signal.aborted) return;
      round += 1;
      wait = every;
      const before = clusterView.peek();
      clusterView.value = {
        connection: 'live',
        cluster,
        buckets: isNth ? buckets : before.buckets,
        credentials: isNth ? credentials : before.credentials,
        error: null,
      };
    } catch (error) {
      if (isAbort(error) || abort.signal.aborted) return;
      const asked = error instanceof ApiError ? (error.details.retryAfterSeconds ?? 0) * 1_000 : 0;
      wait = Math.max(asked, Math.min(wait * 2, longestPause));
      clusterView.value = { ...clusterView.peek(), connection: 'reconnecting', error };
    } finally {
      asking = false;
    }
    timer = setTimeout(() => void ask(), wait);
  };

  const returned = (): void => {
    clearTimeout(timer);
    if (document.visibilityState === 'visible') void ask();
  };
  document.addEventListener('visibilitychange', returned);
  void ask();
  return () => {
    abort.abort();
    clearTimeout(timer);
    document.removeEventListener('visibilitychange', returned);
    clusterView.value = { ...clusterView.peek(), connection: 'idle' };
  };
}

/** Takes a fresher answer somebody else has got. */
export function noteCluster(cluster: LabCluster): void {
  const view = clusterView.peek();
  if (view.cluster === null || Date.parse(cluster.at) >= Date.parse(view.cluster.at)) {
    clusterView.value = { ...view, cluster };
  }
}

/** Instances of each service as they are started by default; what the bff tells counts more. */
const usualInstances: Record<string, readonly string[]> = {
  catalog: ['catalog-1', 'catalog-2'],
  checkout: ['checkout-1', 'checkout-2'],
};

/** The names of a service's instances. */
export function instancesOf(service: string): readonly string[] {
  const told = clusterView.peek().cluster?.instances.filter((instance) => instance.service === service) ?? [];
  return told.length > 0 ? told.map(({ instance }) => instance) : (usualInstances[service] ?? [service]);
}

/** Null where the API refused: then the page shows what it knows without it. */
async function unlessRefused<Answer>(asked: Promise<Answer>): Promise<Answer | null> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof ApiError && error.details.kind === 'problem') return null;
    throw error;
  }
}
