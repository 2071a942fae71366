/** The steps of an experiment: whether they can be done, and doing them at their times. */
import type { Experiment, FaultRequest, Load } from '@ballast/contracts';
import { ProblemError } from '@ballast/service';
import { pause } from '../faults/lever.ts';

/**
 * Throws 422 with the field of the first step that cannot be done here, before anything is broken. `check` throws a
 * `ProblemError` where a fault cannot be planned.
 */
export async function checkSteps(
  { seconds, steps }: Experiment,
  { check, hasLoad }: { check: (request: FaultRequest) => Promise<void>; hasLoad: boolean },
): Promise<void> {
  for (const [place, step] of steps.entries()) {
    if (step.at > seconds) {
      const field = `steps.${place}.at`;
      throw new ProblemError('invalid-input', `${field} is after the end of the experiment.`, { field });
    }
    if ('load' in step) {
      if (hasLoad) continue;
      const field = `steps.${place}.load`;
      throw new ProblemError('invalid-input', `${field}: there is no bff to load here.`, { field });
    }
    try {
      await check(step.fault);
    } catch (error) {
      if (!(error instanceof ProblemError) || error.code !== 'invalid-input') throw error;
      const field = `steps.${place}.fault.${error.field ?? 'kind'}`;
      throw new ProblemError('invalid-input', `${field}: ${error.message}`, { field });
    }
  }
}

/**
 * Does each step at its time after `began` (ms on a clock that only goes forward), those of the same time in the order they
 * are written in. Resolves when the experiment's seconds are over and all its injections have been answered, or `signal` aborts.
 */
export async function doSteps(
  { seconds, steps }: Experiment,
  parts: {
    began: number;
    signal: AbortSignal;
    load: (load: Load, number: number) => void;
    /** Must not reject. */
    inject: (request: FaultRequest, number: number) => Promise<void>;
  },
): Promise<void> {
  const { began, signal, load, inject } = parts;
  const pauseUntil = (at: number): Promise<void> => pause(Math.max(0, began + at * 1_000 - performance.now()), signal);
  const injections: Promise<void>[] = [];
  const inOrder = steps.toSorted((one, other) => one.at - other.at);
  for (const [place, step] of inOrder.entries()) {
    await pauseUntil(step.at);
    if (signal.aborted) return;
    if ('load' in step) load(step.load, place + 1);
    // The next step does not wait for it.
    else injections.push(inject(step.fault, place + 1));
  }
  await pauseUntil(seconds);
  if (!signal.aborted) await Promise.all(injections);
}
