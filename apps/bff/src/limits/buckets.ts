/** Where the bff's buckets are: in Redis, which its replicas share, or in this process where there is none. */
import { localBuckets, redisBuckets, type Buckets } from '@ballast/resilience';
import type { Logger, Metrics } from '@ballast/service';
import type { SessionKeys } from '../session/keys.ts';

/** After how long without Redis it is told, in ms: who is held up for a moment is back before anybody can look. */
const tellAfterMs = 1_000;

/** Opens the store of buckets. It connects by itself and never fails: while Redis is away buckets are local. */
export function openBuckets(
  config: { REDIS_URL?: string },
  keys: SessionKeys,
  logger: Logger,
  metrics: Metrics,
): Buckets {
  if (config.REDIS_URL === undefined) return localBuckets();
  const local = metrics.gauge(
    'bff_rate_limit_local',
    'Whether buckets are local because Redis does not answer: 0 or 1.',
  );
  // Until it has answered for the first time.
  local.set(1);
  const lost = metrics.counter(
    'bff_rate_limit_redis_lost_total',
    'Times that Redis stopped answering and buckets became local.',
  );
  let telling: NodeJS.Timeout | undefined;
  let told = false;
  return redisBuckets({
    url: config.REDIS_URL,
    prefix: `ballast:bucket:${keys.buckets.toString('base64url').slice(0, 8)}:`,
    onAway: (error) => {
      local.set(1);
      lost.inc();
      telling = setTimeout(() => {
        told = true;
        logger.warn({ err: error }, 'redis does not answer; every replica limits by itself');
      }, tellAfterMs).unref();
    },
    onBack: () => {
      local.set(0);
      clearTimeout(telling);
      if (told) logger.info('redis answers again; replicas share their buckets');
      told = false;
    },
  });
}
