/** The checks of guarantees 4 to 12 in the sizes that they are promised for, to be run by name or number. */
import type { Mesh } from '@ballast/lab';
import * as breaker from './breaker.ts';
import * as cache from './cache.ts';
import * as claims from './claims.ts';
import * as credentials from './credentials.ts';
import * as gateway from './gateway.ts';
import * as idempotency from './idempotency.ts';
import * as rateLimit from './rate-limit.ts';
import type { GuaranteeReport } from './report.ts';
import * as revocation from './revocation.ts';
import * as versions from './versions.ts';
import * as webhooks from './webhooks.ts';

interface Guarantee {
  number: number;
  name: string;
  /** What the run consists of. */
  size: object;
  /** Needs parts at TEST_POSTGRES_URL, TEST_AMQP_URL and TEST_REDIS_URL; `mesh` starts a whole mesh. */
  check: (mesh: () => Promise<Mesh>) => Promise<GuaranteeReport>;
}

const guarantees: readonly Guarantee[] = [
  {
    number: 4,
    name: 'idempotency',
    size: idempotency.fullSize,
    check: () => idempotency.checkIdempotency(idempotency.fullSize),
  },
  { number: 4, name: 'claims', size: claims.fullSize, check: () => claims.checkClaims(claims.fullSize) },
  { number: 5, name: 'versions', size: versions.fullSize, check: () => versions.checkVersions(versions.fullSize) },
  { number: 6, name: 'cache', size: cache.fullSize, check: () => cache.checkCache(cache.fullSize) },
  {
    number: 7,
    name: 'revocation',
    size: revocation.fullSize,
    check: async (mesh) => revocation.checkRevocation(await mesh(), revocation.fullSize),
  },
  {
    number: 8,
    name: 'credentials',
    size: credentials.fullSize,
    check: () => credentials.checkCredentials(credentials.fullSize),
  },
  { number: 9, name: 'webhooks', size: webhooks.fullSize, check: () => webhooks.checkWebhooks(webhooks.fullSize) },
  {
    number: 10,
    name: 'rate-limit',
    size: rateLimit.fullSize,
    check: () => rateLimit.checkRateLimit(rateLimit.fullSize),
  },
  { number: 11, name: 'breaker', size: breaker.fullSize, check: () => breaker.checkBreaker(breaker.fullSize) },
  { number: 12, name: 'gateway', size: gateway.fullSize, check: () => gateway.checkGateway(gateway.fullSize) },
];

/** Those named by a comma-separated list of numbers and names, or `all`. Throws a sentence about what there is none of. */
export function chooseGuarantees(list: string): readonly Guarantee[] {
  if (list === 'all') return guarantees;
  const wanted = list.split(',').map((part) => part.trim());
  const unknown = wanted.find(
    (part) => !guarantees.some(({ number, name }) => part === name || part === String(number)),
  );
  if (unknown !== undefined)
    throw new TypeError(
      `--guarantees: there is no "${unknown}"; there are ${guarantees.map(({ number, name }) => `${number} ${name}`).join(', ')}`,
    );
  return guarantees.filter(({ number, name }) => wanted.includes(name) || wanted.includes(String(number)));
}
