/** Waiting with a deadline: every wait in the lab goes through here, so that none can hang. */
import { setTimeout as delay } from 'node:timers/promises';

/** Resolves after `milliseconds`, or rejects with the signal's reason when it is aborted first. */
export async function pause(milliseconds: number, signal?: AbortSignal): Promise<void> {
  await delay(milliseconds, undefined, signal === undefined ? {} : { signal });
}

/** Options of {@link until}; both times are milliseconds. */
export type UntilOptions = { timeout: number; interval?: number; signal?: AbortSignal };

/**
 * Asks `condition` again and again until it answers true; answers whether it did before the deadline.
 * A condition that throws ends the wait with that error.
 */
export async function until(
  condition: () => boolean | Promise<boolean>,
  { timeout, interval = 25, signal }: UntilOptions,
): Promise<boolean> {
  const deadline = performance.now() + timeout;
  for (;;) {
    if (await condition()) return true;
    if (performance.now() + interval > deadline) return false;
    await pause(interval, signal);
  }
}

/** Resolves with `work`, or rejects with `late()` once `milliseconds` have passed. */
export async function within<T>(milliseconds: number, work: Promise<T>, late: () => Error): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(late()), milliseconds);
  try {
    return await Promise.race([work, promise]);
  } finally {
    clearTimeout(timer);
  }
}
