/**
 * Writes under an Idempotency-Key: sent to the service behind once, and answered alike however often they come.
 * The service must know the key itself (checkout does, by a unique row): after a crash here, and after an outcome that
 * nobody knows, it gets the same request again.
 */
import { Problem } from '@ballast/contracts';
import { createIdempotency, fingerprintOf, settlementOf, type Answer, type Idempotency } from '@ballast/idempotency';
import type { Database } from '@ballast/postgres';
import { createReporter, ProblemError, type Logger, type Metrics } from '@ballast/service';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Compile } from 'typebox/compile';
import { relay } from './relay.ts';
import { keyedWriteLimits } from './requests.ts';
import type { UpstreamResponse } from './upstream.ts';

const keyShape = /^[\x21-\x7e]{1,200}$/;
/** Answer headers that are given again. */
const storedHeaders = ['content-type', 'location', 'etag', 'cache-control'] as const;
/** Beyond the call's own limit: to claim the key before it and to store the answer after it, in ms. */
const leaseMarginMs = 2_000;

const problemCheck = Compile(Problem);

/** An answer with what it came from, which is relayed to the one caller who asked for it. */
interface Given extends Answer {
  response: UpstreamResponse;
}

export interface KeyedWrites {
  /**
   * Answers a request whose key is valid (see `idempotencyKeyProblem`) and whose caller is known. `send` is called only
   * if the key is this caller's to use now; it must end within `keyedWriteLimits.timeoutMs`. Throws `in-progress` (409)
   * and `idempotency-key-reused` (422).
   */
  answer(request: FastifyRequest, reply: FastifyReply, send: () => Promise<UpstreamResponse>): Promise<FastifyReply>;
  start(): void;
  stop(): Promise<void>;
}

export function createKeyedWrites(options: {
  database: Database;
  instance: string;
  logger: Logger;
  metrics: Metrics;
}): KeyedWrites {
  const { instance, metrics } = options;
  const report = createReporter(options.logger);
  const events = metrics.counter(
    'bff_idempotent_requests_total',
    'Requests under an idempotency key, by what became of them.',
    ['outcome'],
  );
  const idempotency: Idempotency = createIdempotency({
    database: options.database,
    name: instance,
    workMs: keyedWriteLimits.timeoutMs,
    leaseMs: keyedWriteLimits.timeoutMs + leaseMarginMs,
    settle: (answer) => {
      const code = problemCode(answer);
      // An error that is not one of ours is told to the caller as a 503.
      return answer.status >= 400 && code === undefined ? 'unknown' : settlementOf(answer.status, code);
    },
    onEvent: (outcome) => events.inc({ outcome }),
    onError: report,
  });

  return {
    answer: async (request, reply, send) => {
      const outcome = await idempotency.once<Given>(
        {
          principal: request.principal!.userId,
          route: `${request.method} ${request.routeOptions.url ?? ''}`,
          key: request.headers['idempotency-key'] as string,
          fingerprint: fingerprintOf(request.body),
        },
        async () => toGiven(await send()),
      );
      switch (outcome.outcome) {
        case 'answered':
          return relay(reply, outcome.answer.response);
        case 'replayed': {
          const { status, headers, body } = outcome.answer;
          // Nobody else took part in it.
          const own = { 'x-instance': instance, 'idempotent-replayed': 'true' };
          return relay(reply, { status, headers: { ...headers, ...own }, body });
        }
        case 'running':
          throw new ProblemError(
            'in-progress',
            'The first request with this Idempotency-Key is still being worked on.',
            {
              retryAfterSeconds: outcome.retryAfterSeconds,
            },
          );
        case 'reused':
          throw new ProblemError('idempotency-key-reused', 'This Idempotency-Key belongs to another request.', {
            field: 'idempotency-key',
          });
      }
    },
    start: () => idempotency.start(),
    stop: () => idempotency.stop(),
  };
}

/** Why the request's key cannot be used; undefined for a good one. */
export function idempotencyKeyProblem(request: FastifyRequest): ProblemError | undefined {
  const key = request.headers['idempotency-key'];
  if (key === undefined || key === '') {
    return new ProblemError('missing-idempotency-key', 'Send an Idempotency-Key, and the same one when you try again.');
  }
  if (typeof key === 'string' && keyShape.test(key)) return undefined;
  return new ProblemError('invalid-input', 'The Idempotency-Key must be 1 to 200 visible ASCII characters.', {
    field: 'idempotency-key',
  });
}

function toGiven(response: UpstreamResponse): Given {
  const headers: Record<string, string> = {};
  for (const name of storedHeaders) {
    const value = response.headers[name];
    if (value !== undefined) headers[name] = value;
  }
  return { status: response.status, headers, body: response.body, response };
}

/** The code of a problem document; undefined for anything else. */
function problemCode({ headers, body }: Answer): string | undefined {
  if (headers['content-type']?.startsWith('application/problem+json') !== true) return undefined;
  try {
    const document: unknown = JSON.parse(body.toString());
    return problemCheck.Check(document) ? document.code : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
