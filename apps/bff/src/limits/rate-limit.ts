/**
 * The rate limit: token buckets behind @fastify/rate-limit, whose own stores are fixed windows. A refusal is a 429 with
 * `Retry-After`, before any look at the session and without a call to any service.
 */
import { intervalOf, type Buckets, type Limit, type Spending } from '@ballast/resilience';
import { ProblemError, type HttpServer, type Metrics } from '@ballast/service';
import rateLimit from '@fastify/rate-limit';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { BucketOwner, Callers } from './callers.ts';

/**
 * `default`: everything under `/api`. `expensive`: what costs much more, lab races. `credentials`: passwords, by address.
 * `webhooks`: payment providers, by address.
 */
export type BucketName = 'default' | 'expensive' | 'credentials' | 'webhooks';

export interface RateLimits {
  /**
   * An `onRequest` hook that takes one token of the caller's bucket `name`. Add it before whatever it is to spare work.
   * `bearer`: whether the routes take bearer tokens.
   */
  spend(name: BucketName, options?: { bearer?: boolean }): SpendHook;
  /** How the caller's bucket stands; takes nothing. */
  look(name: BucketName, request: FastifyRequest): Promise<{ owner: BucketOwner; limit: Limit; standing: Spending }>;
}

/** Registers the limiter at `server`; routes are limited only where a hook of `spend` is added. */
export async function createRateLimits(
  server: HttpServer,
  parts: { buckets: Buckets; callers: Callers; limits: Record<BucketName, Limit>; metrics: Metrics },
): Promise<RateLimits> {
  const { buckets, callers, limits, metrics } = parts;
  const refusals = metrics.counter('bff_rate_limited_total', 'Requests refused with 429, by bucket.', ['bucket']);
  await server.register(rateLimit, { global: false, store: storeOver(buckets) });

  const ownerOf = (name: BucketName, request: FastifyRequest, bearer: boolean): BucketOwner | Promise<BucketOwner> =>
    name === 'credentials' || name === 'webhooks' ? callers.address(request) : callers.of(request, bearer);

  return {
    spend: (name, { bearer = false } = {}) => {
      const limit = limits[name];
      const keyOf = (owner: BucketOwner): string => `${name}:${owner.key}`;
      const options: LimitedOptions = {
        limit,
        max: limit.burst,
        // Not used by the store, which counts no windows; the plugin wants one.
        timeWindow: Math.ceil(limit.burst * intervalOf(limit)),
        keyGenerator: (request) => {
          const owner = ownerOf(name, request, bearer);
          return owner instanceof Promise ? owner.then(keyOf) : keyOf(owner);
        },
      };
      const check = server.createRateLimit(options);
      // Three headers on every answer cost a product read a twentieth; who is far from a limit need not count.
      const tellsAlways = name === 'expensive' || name === 'credentials';
      const ask = async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
        const result = await check(request);
        if (result.isAllowed || (!result.isExceeded && !tellsAlways)) return;
        reply.header('ratelimit-limit', String(limit.burst));
        reply.header('ratelimit-remaining', String(result.isExceeded ? 0 : result.remaining));
        reply.header('ratelimit-reset', String(result.ttlInSeconds));
        if (!result.isExceeded) return;
        refusals.inc({ bucket: name });
        throw new ProblemError('rate-limited', 'Too many requests. Try again after the time in Retry-After.', {
          retryAfterSeconds: Math.max(1, result.ttlInSeconds),
        });
      };
      return (request, reply, done) => {
        // A token taken ahead is spent without the plugin's promises: on a product read they cost more than all else here.
        const owner = tellsAlways ? null : ownerOf(name, request, bearer);
        if (owner !== null && !(owner instanceof Promise) && buckets.spendInHand(keyOf(owner))) done();
        else void finish(ask(request, reply), done);
      };
    },
    look: async (name, request) => {
      const owner = await ownerOf(name, request, true);
      return { owner, limit: limits[name], standing: await buckets.look(`${name}:${owner.key}`, limits[name]) };
    },
  };
}

/** Goes on once `asked` has said what becomes of the request. */
async function finish(asked: Promise<void>, done: (error?: Error) => void): Promise<void> {
  let refusal: Error | undefined;
  try {
    await asked;
  } catch (error) {
    refusal = error instanceof Error ? error : new Error(String(error));
  }
  done(refusal);
}

/** As Fastify calls hooks that do not return a promise. */
type SpendHook = (request: FastifyRequest, reply: FastifyReply, done: (error?: Error) => void) => void;

/** The plugin hands what it does not know on to the store. */
type LimitedOptions = NonNullable<Parameters<HttpServer['createRateLimit']>[0]> & { limit: Limit };

/**
 * A store for the plugin. `current` is what it calls the count of a window: more than `max` means refused. `ttl` is ms
 * until a token is there for those refused, and until the bucket is full for the others.
 */
function storeOver(buckets: Buckets): rateLimit.FastifyRateLimitStoreCtor {
  return class BucketStore {
    readonly #limit: Limit;

    constructor(options: { limit?: Limit }) {
      this.#limit = options.limit ?? { burst: 1, perSecond: 1 };
    }

    incr(
      key: string,
      callback: (error: Error | null, result?: { current: number; ttl: number }) => void,
      _timeWindow: number,
      max: number,
    ): void {
      const answer = (spending: Spending): void =>
        callback(null, {
          current: spending.accepted ? max - spending.remaining : max + 1,
          ttl: spending.accepted ? spending.resetMs : spending.waitMs,
        });
      const spending = buckets.spend(key, this.#limit);
      if (spending instanceof Promise) void spending.then(answer);
      else answer(spending);
    }

    child(options: object): BucketStore {
      return new BucketStore(options);
    }
  };
}
