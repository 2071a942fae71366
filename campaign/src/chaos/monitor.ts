/** Asks controller and auditor once a second while a run goes on, and remembers what they said. */
import type { ExperimentState, LoadState } from '@ballast/contracts';
import type { Controller } from './controller.ts';
import type { FaultLog } from './fault-log.ts';
import { rest } from './traffic/customer.ts';
import type { VerdictLog } from './verdict-log.ts';

const everyMs = 1_000;
/** The controller is never broken on purpose: silent for so long it is gone, and the run cannot go on. */
const patienceMs = 30_000;

export class Monitor {
  readonly #controller: Controller;
  readonly #faults: FaultLog;
  readonly #verdicts: VerdictLog;
  readonly #ending = new AbortController();
  #watching: Promise<void> = Promise.resolve();
  #answeredAt = Date.now();
  #trouble: unknown;
  experiment: ExperimentState | null = null;
  load: LoadState | null = null;
  /** How often it has looked. */
  looks = 0;

  constructor(parts: { controller: Controller; faults: FaultLog; verdicts: VerdictLog }) {
    this.#controller = parts.controller;
    this.#faults = parts.faults;
    this.#verdicts = parts.verdicts;
  }

  /** `told` hears each second what is known. */
  start(told: (monitor: Monitor) => void): void {
    const { signal } = this.#ending;
    const watch = async (): Promise<void> => {
      this.#answeredAt = Date.now();
      while (!signal.aborted) {
        const next = rest(everyMs, signal);
        await this.look();
        told(this);
        await next;
      }
    };
    this.#watching = watch();
  }

  /** One look, now. */
  async look(): Promise<void> {
    const [faults, state, load, verdicts] = await Promise.allSettled([
      this.#controller.faults(),
      this.#controller.state(),
      this.#controller.load(),
      this.#controller.verdicts(),
    ]);
    this.looks += 1;
    this.#verdicts.note(verdicts.status === 'fulfilled' ? verdicts.value : null);
    if (faults.status === 'fulfilled') this.#faults.note(faults.value);
    if (load.status === 'fulfilled') this.load = load.value;
    if (state.status === 'fulfilled') {
      this.experiment = state.value;
      this.#answeredAt = Date.now();
    } else this.#trouble = state.reason;
  }

  /** Throws when the controller has not answered for long. */
  requireController(): void {
    if (Date.now() - this.#answeredAt < patienceMs) return;
    throw new Error(`the chaos controller has not answered for ${patienceMs / 1_000} s`, { cause: this.#trouble });
  }

  async stop(): Promise<void> {
    this.#ending.abort();
    await this.#watching;
  }
}
