/**
 * A circuit breaker: opossum keeps the states and the share of failures, this file adds what it does not have.
 *
 * | opossum 10                                                     | here                                              |
 * | -------------------------------------------------------------- | ------------------------------------------------- |
 * | opens by share only: after an hour of good calls, late         | ten failures in a row open it as well             |
 * | a call from before counts in the half-open state: its success  | outcomes of calls that began in another state are |
 * | closes the circuit, its failure lets a second probe out        | not passed on; only the probe decides             |
 * | remembers failures over a close, so one more opens it again    | closing begins a new window                       |
 * | a refusal for want of capacity counts as a failure             | `capacity` is not used; see `Bulkhead`            |
 *
 * Calls are not wrapped: each takes a pass and says on it how it went, so that the state changes in that very moment and
 * not some promises later. A pass also knows whether the circuit has moved on, and its call should not be sent again.
 */
import { EventEmitter } from 'node:events';
import { defect } from '@ballast/faults';
import CircuitBreaker from 'opossum';

export type BreakerState = 'closed' | 'open' | 'half-open';

/** A change of state, and when. */
export interface Transition {
  at: Date;
  to: BreakerState;
}

export interface BreakerOptions {
  name: string;
  /** Failures in a row that open it. */
  failuresInARow?: number;
  /** Share of failures, in percent, beyond which it opens, of at least ten calls within the window. */
  failurePercent?: number;
  /** Length of that window, in ms. */
  windowMs?: number;
  /** How long nothing is let through, in ms, before one probe is. */
  openMs?: number;
  onTransition?: (transition: Transition) => void;
}

/** What the rules are unless a caller says otherwise. Times in ms. */
export const breakerDefaults = { failuresInARow: 10, failurePercent: 70, windowMs: 10_000, openMs: 2_000 } as const;

const fewestCalls = 10;
const windowParts = 10;
const keptTransitions = 20;

/** A call that was let through. Exactly one of its methods is to be called, once. */
export interface Pass {
  /** The one call that decides whether the circuit closes: to be sent once, without retries. */
  readonly isProbe: boolean;
  /** False once the circuit has changed its state: nothing more is to be sent for this call. */
  readonly isCurrent: boolean;
  succeeded(): void;
  failed(): void;
  /** Nothing was learnt of the other side. */
  abandoned(): void;
}

/** As `Pass`; for opossum it is a promise of the outcome, without being one. */
class Ticket implements Pass {
  readonly #breaker: Breaker;
  readonly #era: number;
  #resolve: () => void = () => {};
  #reject: (error: Error) => void = () => {};

  readonly isProbe: boolean;

  constructor(breaker: Breaker, era: number, isProbe: boolean) {
    this.#breaker = breaker;
    this.#era = era;
    this.isProbe = isProbe;
  }

  get isCurrent(): boolean {
    return this.#breaker.isIn(this.#era);
  }

  // oxlint-disable-next-line unicorn/no-thenable -- opossum awaits it by calling `then(…).catch(…)`, once
  then(resolve: () => void): this {
    this.#resolve = resolve;
    return this;
  }

  catch(reject: (error: Error) => void): this {
    this.#reject = reject;
    return this;
  }

  succeeded(): void {
    if (this.#breaker.hears(this.#era, true)) this.#resolve();
  }

  failed(): void {
    if (defect('resilience.breaker-never-opens')) return this.succeeded();
    if (this.#breaker.hears(this.#era, false)) this.#reject(failure);
    this.#breaker.openIfDue(this.#era);
  }

  abandoned(): void {
    // A probe that learnt nothing must not leave the circuit waiting for its outcome.
    if (this.isProbe) this.failed();
  }
}

/** What opossum is told; nobody sees it. */
const failure = new Error('the call failed');
const unheard: Pass = { isProbe: true, isCurrent: true, succeeded: () => {}, failed: () => {}, abandoned: () => {} };

export class Breaker {
  readonly name: string;
  readonly openMs: number;
  readonly failuresInARow: number;
  /** Newest last, the latest twenty. */
  readonly transitions: Transition[] = [];
  /** Calls refused since the start. */
  shortCircuited = 0;
  /** Since the start. */
  totals = { answered: 0, failed: 0 };
  readonly #circuit: CircuitBreaker<[Ticket], void>;
  readonly #rotation = new EventEmitter();
  readonly #timer: NodeJS.Timeout;
  #state: BreakerState = 'closed';
  #openUntil = 0;
  /** Raised by every transition: outcomes of calls let through before are not heard. */
  #era = 0;
  #inARow = 0;
  #probing = false;

  constructor(options: BreakerOptions) {
    const rules = { ...breakerDefaults, ...options };
    this.name = rules.name;
    this.openMs = rules.openMs;
    this.failuresInARow = rules.failuresInARow;
    this.#circuit = new CircuitBreaker((ticket: Ticket) => ticket as unknown as Promise<void>, {
      name: rules.name,
      timeout: false,
      resetTimeout: rules.openMs,
      errorThresholdPercentage: rules.failurePercent,
      volumeThreshold: fewestCalls,
      rollingCountTimeout: rules.windowMs,
      rollingCountBuckets: windowParts,
      rollingPercentilesEnabled: false,
      enableSnapshots: false,
      rotateBucketController: this.#rotation,
    });
    // With it a failure resolves what `fire` returns: nobody awaits that, and a rejection would end the process.
    this.#circuit.fallback(() => undefined);
    this.#timer = setInterval(() => this.#rotation.emit('rotate'), rules.windowMs / windowParts).unref();
    const enter = (to: BreakerState): void => {
      this.#state = to;
      this.#era += 1;
      this.#inARow = 0;
      this.#probing = false;
      if (to === 'open') this.#openUntil = performance.now() + this.openMs;
      // What failed before it was closed says nothing about now.
      if (to === 'closed') for (let part = 0; part < windowParts; part += 1) this.#rotation.emit('rotate');
      const transition = { at: new Date(), to };
      this.transitions.push(transition);
      if (this.transitions.length > keptTransitions) this.transitions.shift();
      rules.onTransition?.(transition);
    };
    this.#circuit.on('open', () => enter('open'));
    this.#circuit.on('halfOpen', () => enter('half-open'));
    this.#circuit.on('close', () => enter('closed'));
  }

  get state(): BreakerState {
    return this.#state;
  }

  /** Whole seconds, at least one, after which a call may be tried again. */
  retryAfterSeconds(): number {
    return Math.max(1, Math.ceil((this.#openUntil - performance.now()) / 1_000));
  }

  /** Lets a call through, or not: null while it is open, and beside the probe while it is half-open. */
  tryEnter(): Pass | null {
    const isProbe = this.#state !== 'closed';
    if (isProbe) {
      if (this.#state === 'open' || this.#probing) {
        if (this.#state === 'half-open' && defect('resilience.breaker-many-probes')) return unheard;
        this.shortCircuited += 1;
        return null;
      }
      this.#probing = true;
    }
    const ticket = new Ticket(this, this.#era, isProbe);
    void this.#circuit.fire(ticket);
    return ticket;
  }

  /** Counts an outcome; true where the circuit is still in the state in which the call began. */
  hears(era: number, good: boolean): boolean {
    if (good) this.totals.answered += 1;
    else this.totals.failed += 1;
    if (era !== this.#era) return false;
    if (good) this.#inARow = 0;
    else this.#inARow += 1;
    return true;
  }

  /** Opens it after too many failures in a row. */
  openIfDue(era: number): void {
    if (era === this.#era && this.#state === 'closed' && this.#inARow >= this.failuresInARow) this.#circuit.open();
  }

  isIn(era: number): boolean {
    return era === this.#era;
  }

  /** Stops its timers. */
  close(): void {
    clearInterval(this.#timer);
    this.#circuit.shutdown();
  }
}
