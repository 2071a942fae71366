/** What the parts below the services are doing, as far as the services themselves say. Pure. */
import type { LabBuckets, LabCluster, LabCredentials } from '@ballast/contracts';

type Instance = LabCluster['instances'][number];

/**
 * - `fine`     somebody who uses it was asked, and has nothing to complain of
 * - `failing`  at least one of them says that it fails
 * - `unknown`  nobody could be asked, or nobody reports on it
 */
export type PartState = 'fine' | 'failing' | 'unknown';

export type PartView = { name: string; state: PartState; note: string };

/** What else the services said, beside their readiness; null where they were not asked or did not answer. */
export type Evidence = { buckets: LabBuckets | null; credentials: LabCredentials | null };

const readinessNames: Record<string, RegExp> = {
  PostgreSQL: /^(?:postgres(?:ql)?|database)$/i,
  RabbitMQ: /^(?:rabbitmq|broker|messaging)$/i,
  Redis: /^redis$/i,
  Vault: /^(?:vault|credentials)$/i,
  'Payment provider': /^(?:stripe|paypal|payment-?provider|provider)$/i,
};

/** Which services wait for the part before they call themselves ready. */
const watchedBy: Record<string, readonly string[]> = {
  PostgreSQL: ['bff', 'identity', 'catalog', 'claims', 'payments', 'checkout'],
  RabbitMQ: ['catalog', 'claims', 'payments', 'checkout'],
};

/** Every part, in the order in which they are drawn. */
export function partsOf(cluster: LabCluster | null, evidence: Evidence): PartView[] {
  return Object.keys(readinessNames).map((name) => {
    const complaints = complaintsAbout(name, cluster?.instances ?? []);
    if (complaints.length > 0) return { name, state: 'failing', note: `Failing for ${complaints.join(', ')}.` };
    return witnessed(name, evidence) ?? notComplainedOf(name, cluster?.instances ?? []);
  });
}

function complaintsAbout(name: string, instances: readonly Instance[]): string[] {
  return instances
    .filter(({ failing }) => Object.keys(failing).some((check) => readinessNames[name]?.test(check) === true))
    .map(({ instance }) => instance);
}

/** Redis and Vault are no reason to be unready: what uses them says itself whether it does. */
function witnessed(name: string, { buckets, credentials }: Evidence): PartView | null {
  const first = buckets?.buckets[0];
  if (name === 'Redis' && first !== undefined) {
    return first.store === 'redis'
      ? { name, state: 'fine', note: 'The rate limit counts in it.' }
      : { name, state: 'failing', note: 'The rate limit counts locally: Redis cannot be asked.' };
  }
  if (name === 'Vault' && credentials !== null) {
    if (credentials.vault === null) return { name, state: 'unknown', note: 'Identity runs with static credentials.' };
    const { state } = credentials.vault;
    return {
      name,
      state: /^active\b/.test(state) ? 'fine' : 'failing',
      note: `Identity: ${state}.`,
    };
  }
  return null;
}

function notComplainedOf(name: string, instances: readonly Instance[]): PartView {
  const watchers = watchedBy[name] ?? [];
  if (watchers.length === 0) return { name, state: 'unknown', note: 'No service’s readiness depends on it.' };
  const asked = instances.filter(({ service, state }) => watchers.includes(service) && state !== 'unreachable');
  if (asked.length === 0) return { name, state: 'unknown', note: 'Nobody who uses it could be asked.' };
  return { name, state: 'fine', note: `No complaint from ${asked.length} that use it.` };
}
