/**
 * Calls to a service behind the bff: replicas in turn, failover, retries of what is safe, and an end to every wait.
 *
 * | what happened                             | what follows                                                    |
 * | ----------------------------------------- | --------------------------------------------------------------- |
 * | connection refused, nothing was sent      | replica left out for 1 s; any call goes to the next, and while  |
 * |                                           | all refuse it is tried again with pauses for about a second     |
 * | connection lost after sending             | repeatable calls only: the next replica, three sendings at most |
 * | no answer, another replica is there       | repeatable reads only: given up after 1 s, sent to the next     |
 * | no answer until the call's time is up     | 503 with `Retry-After`                                          |
 * | any answer, also an error                 | is the answer                                                   |
 * | too many calls under way                  | 503 with `Retry-After`; the bulkhead, in front of the breaker   |
 * | the circuit is open                       | 503 with `Retry-After`, at once; nothing more is sent, neither  |
 * |                                           | for calls that began before                                     |
 *
 * What the circuit breaker counts, once a call, whatever its attempts:
 *
 * | failure                                        | success                                                     |
 * | ---------------------------------------------- | ----------------------------------------------------------- |
 * | no answer: refused, lost, timeout, too large   | any other answer, 4xx too                                   |
 * | a 5xx                                          | a 503 that says when to come back: the service lives, and   |
 * |                                                | turns away on purpose what it cannot do now                 |
 *
 * A stream counts until its headers are there. Calls refused here count as neither.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { declareFailPoints, failPoint, faultsEnabled } from '@ballast/faults';
import { Breaker, breakerDefaults, Bulkhead, type Pass, type Transition } from '@ballast/resilience';
import { ProblemError } from '@ballast/service';
import { Exchange, ResponseTooLarge, type ExchangeOwner, type UpstreamResponse } from './exchange.ts';
import { Replicas } from './replicas.ts';

export type { UpstreamResponse } from './exchange.ts';

export interface UpstreamRequest {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Path and query, as they go out. */
  path: string;
  /** Name, value, name, value, … */
  headers: string[];
  body: string | Buffer | null;
  /** Whether sending it twice does no more than sending it once. */
  repeatable: boolean;
  /** Milliseconds until the whole answer, or a stream's headers, must be there; waits and retries included. */
  timeoutMs: number;
  /** Milliseconds after which an answer that has not come is asked of another replica; only for reads. */
  attemptMs?: number;
  /** What the request is about, where one and the same replica is to be asked about it, unless that is away. */
  subject?: string;
  /** Milliseconds for which refused connections are tried again. */
  rideOutMs?: number;
}

/** An open stream: `stream(sink)` lets it flow, `cancel` ends it. */
export interface OpenStream {
  headers: IncomingHttpHeaders;
  exchange: Exchange;
}

/** Why a call, or one attempt at it, did not get an answer; the label of a metric. */
export type UpstreamFailure = 'refused' | 'lost' | 'timeout' | 'overload' | 'short-circuit' | 'too-large';

declareFailPoints({
  'before-upstream': 'a service is about to be called; detail: its name',
  'after-upstream': 'a service has answered and its answer is not passed on yet; detail: its name',
});

const maxSendings = 3;
const refusedAvoidMs = 1_000;
const silentAvoidMs = 5_000;
const defaultRideOutMs = 1_000;
const responseLimitBytes = 2 * 1024 * 1024;
/** Calls under way to one service; beyond, callers are told to come back instead of being queued without end. */
const maxCalls = 500;

export interface UpstreamOptions {
  name: string;
  origins: readonly string[];
  /** How long an open circuit lets nothing through, in ms; the breaker's own where it is left out. */
  openMs?: number;
  onFailure?: (kind: UpstreamFailure) => void;
  onTransition?: (transition: Transition) => void;
}

export class Upstream {
  readonly name: string;
  readonly replicas: Replicas;
  readonly breaker: Breaker;
  readonly bulkhead = new Bulkhead(maxCalls);
  readonly onFailure: (kind: UpstreamFailure) => void;

  constructor(options: UpstreamOptions) {
    const { name, origins, openMs = breakerDefaults.openMs, onFailure = () => {}, onTransition } = options;
    this.name = name;
    this.replicas = new Replicas(origins);
    this.breaker = new Breaker({ name, openMs, ...(onTransition === undefined ? {} : { onTransition }) });
    this.onFailure = onFailure;
  }

  /** Resolves to any answer, whatever its status. Rejects with a `ProblemError` (503) where there was none. */
  send(request: UpstreamRequest): Promise<UpstreamResponse> {
    const answer = faultsEnabled() ? this.#callInLab(request) : this.#call(request, false);
    return answer as Promise<UpstreamResponse>;
  }

  async #callInLab(request: UpstreamRequest): Promise<UpstreamResponse | OpenStream> {
    await failPoint('before-upstream', this.name);
    const answer = await this.#call(request, false);
    await failPoint('after-upstream', this.name);
    return answer;
  }

  /** The same, but a 200 is handed over as an open stream as soon as its headers are there. */
  open(request: UpstreamRequest): Promise<UpstreamResponse | OpenStream> {
    return this.#call(request, true);
  }

  /** As `send`, beside bulkhead and breaker: for health probes, which say nothing about calls. */
  probe(request: UpstreamRequest): Promise<UpstreamResponse> {
    return new Promise((resolve, reject) => {
      const done = resolve as (result: UpstreamResponse | OpenStream) => void;
      new Call(this, uncounted, request, false, done, reject).attempt();
    });
  }

  close(): Promise<void> {
    this.breaker.close();
    return this.replicas.close();
  }

  #call(request: UpstreamRequest, streaming: boolean): Promise<UpstreamResponse | OpenStream> {
    return new Promise((resolve, reject) => {
      if (!this.bulkhead.tryEnter()) {
        this.onFailure('overload');
        reject(unavailable(this.name, 'has too much to do', undefined));
        return;
      }
      const pass = this.breaker.tryEnter();
      if (pass === null) {
        this.bulkhead.leave();
        this.onFailure('short-circuit');
        reject(unavailable(this.name, 'has its circuit open', undefined, this.breaker.retryAfterSeconds()));
        return;
      }
      new Call(this, pass, request, streaming, resolve, reject).attempt();
    });
  }
}

/** The pass of what is not counted. */
const uncounted: Pass = {
  isProbe: false,
  isCurrent: true,
  succeeded: () => {},
  failed: () => {},
  abandoned: () => {},
};

/** One call with all its attempts. */
class Call implements ExchangeOwner {
  readonly #upstream: Upstream;
  readonly #pass: Pass;
  readonly #request: UpstreamRequest;
  readonly #streaming: boolean;
  readonly #resolve: (result: UpstreamResponse | OpenStream) => void;
  readonly #reject: (error: Error) => void;
  readonly #startedAt = performance.now();
  readonly #timer: NodeJS.Timeout;
  #pause: NodeJS.Timeout | null = null;
  #exchange: Exchange | null = null;
  #sendings = 0;
  #done = false;

  constructor(
    upstream: Upstream,
    pass: Pass,
    request: UpstreamRequest,
    streaming: boolean,
    resolve: (result: UpstreamResponse | OpenStream) => void,
    reject: (error: Error) => void,
  ) {
    this.#upstream = upstream;
    this.#pass = pass;
    this.#request = request;
    this.#streaming = streaming;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#timer = setTimeout(
      () => this.#timeIsUp(),
      Math.min(request.attemptMs ?? request.timeoutMs, request.timeoutMs),
    );
  }

  attempt(): void {
    if (this.#done) return;
    this.#pause = null;
    const { method, path, headers, body } = this.#request;
    const replica = this.#upstream.replicas.next(this.#sendings === 0 ? this.#request.subject : undefined);
    const exchange = new Exchange(replica, this, responseLimitBytes, this.#streaming);
    this.#exchange = exchange;
    const pool = this.#streaming ? replica.streams : replica.pool;
    pool.dispatch({ method, path, headers, body }, exchange);
  }

  maySend(): boolean {
    return this.#pass.isCurrent;
  }

  answered(exchange: Exchange, response: UpstreamResponse): void {
    if (exchange !== this.#exchange || !this.#finish()) return;
    if (isBroken(response)) this.#pass.failed();
    else this.#pass.succeeded();
    this.#resolve(response);
  }

  opened(exchange: Exchange, _status: number, headers: IncomingHttpHeaders): void {
    if (exchange === this.#exchange && this.#finish()) {
      this.#pass.succeeded();
      this.#resolve({ headers, exchange });
    } else exchange.cancel(new Error('nobody waits for this stream any more'));
  }

  failed(exchange: Exchange, error: Error): void {
    if (this.#done || exchange !== this.#exchange) return;
    if ((error as NodeJS.ErrnoException).code === 'UND_ERR_INVALID_ARG') {
      // Nothing an upstream did: the request could not be put into HTTP.
      if (!this.#finish()) return;
      this.#pass.abandoned();
      this.#reject(error);
      return;
    }
    if (!this.#pass.isCurrent) {
      this.#giveUp('short-circuit', 'has its circuit open', error);
      return;
    }
    if (error instanceof ResponseTooLarge) {
      this.#giveUp('too-large', 'sent more than it should', error);
      return;
    }
    if (exchange.sent) this.#afterLoss(error);
    else this.#afterRefusal(exchange, error);
  }

  #afterLoss(error: Error): void {
    this.#sendings += 1;
    if (!this.#request.repeatable || this.#pass.isProbe || this.#sendings >= maxSendings) {
      this.#giveUp('lost', 'broke off', error);
      return;
    }
    this.#upstream.onFailure('lost');
    this.attempt();
  }

  #afterRefusal(exchange: Exchange, error: Error): void {
    exchange.replica.avoid(refusedAvoidMs);
    if (this.#upstream.replicas.hasUsable()) {
      this.#upstream.onFailure('refused');
      this.attempt();
    } else if (!this.#pass.isProbe && this.#elapsed() < (this.#request.rideOutMs ?? defaultRideOutMs)) {
      // A replica that is being restarted is back within some hundred milliseconds.
      this.#upstream.onFailure('refused');
      this.#pause = setTimeout(() => this.attempt(), 40 + Math.random() * 80);
    } else {
      this.#giveUp('refused', 'cannot be reached', error);
    }
  }

  #timeIsUp(): void {
    const left = this.#request.timeoutMs - this.#elapsed();
    const silent = this.#exchange;
    if (left <= 1) {
      silent?.replica.avoid(silentAvoidMs);
      this.#giveUp('timeout', 'does not answer', new Error(`no answer in ${this.#request.timeoutMs} ms`));
      return;
    }
    this.#timer.refresh();
    // The one probe is waited for; and for whom the circuit has opened nobody else is asked.
    if (this.#pass.isProbe || !this.#pass.isCurrent) return;
    if (silent === null || this.#pause !== null || !this.#upstream.replicas.hasUsable(silent.replica)) return;
    this.#upstream.onFailure('timeout');
    silent.replica.avoid(silentAvoidMs);
    this.attempt();
    silent.cancel(new Error('another replica is asked instead'));
  }

  #giveUp(kind: UpstreamFailure, what: string, cause: Error): void {
    if (!this.#finish()) return;
    this.#upstream.onFailure(kind);
    this.#pass.failed();
    this.#reject(unavailable(this.#upstream.name, what, cause, this.#upstream.breaker.retryAfterSeconds()));
    this.#exchange?.cancel(cause);
  }

  /** True the first time only. */
  #finish(): boolean {
    if (this.#done) return false;
    this.#done = true;
    clearTimeout(this.#timer);
    if (this.#pause !== null) clearTimeout(this.#pause);
    if (this.#pass !== uncounted) this.#upstream.bulkhead.leave();
    return true;
  }

  #elapsed(): number {
    return performance.now() - this.#startedAt;
  }
}

/** Whether an answer counts as a failure. */
function isBroken({ status, headers }: UpstreamResponse): boolean {
  return status >= 500 && !(status === 503 && headers['retry-after'] !== undefined);
}

function unavailable(name: string, what: string, cause: Error | undefined, retryAfterSeconds = 1): ProblemError {
  // The name of the service is for the log; the caller learns that waiting may help.
  return new ProblemError('unavailable', 'Something this request needs is not answering. Try again in a moment.', {
    retryAfterSeconds,
    cause: new Error(`${name} ${what}`, { cause }),
  });
}
