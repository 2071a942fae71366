/** Waiting for a condition instead of for time. */

/** Between two looks, in ms: at first, and at most. What takes long is looked at less often, and left more time for it. */
const pauses = { first: 10, longest: 250 };

/**
 * Polls `check` until it returns something other than undefined, null or false, and resolves to that. Rejects after
 * `timeoutMs` with `what` and the last error. A check that throws counts as not yet. The limit is there to end a test that
 * will never pass: it is far beyond what a slow machine needs, and no measure of anything.
 */
export async function until<Result>(
  what: string,
  check: () => Promise<Result> | Result,
  timeoutMs = 45_000,
): Promise<Exclude<Result, undefined | null | false>> {
  const begun = performance.now();
  let last: unknown;
  for (;;) {
    try {
      const result = await check();
      if (result !== undefined && result !== null && result !== false) {
        return result as Exclude<Result, undefined | null | false>;
      }
      last = result;
    } catch (error) {
      last = error;
    }
    const waited = performance.now() - begun;
    if (waited > timeoutMs) {
      throw new Error(`waited ${timeoutMs} ms for ${what}`, { cause: last });
    }
    const pause = Math.min(pauses.longest, pauses.first + waited / 20);
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}
