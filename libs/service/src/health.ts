/** Readiness: is everything this service needs reachable, and is it not on its way out. */

/** A named dependency. `check` rejects, or takes too long, when it cannot be used. */
export interface ReadinessCheck {
  name: string;
  check: () => Promise<unknown>;
}

/** Runs all checks at once, each within `timeoutMs`; resolves to what is failing, by name, with the reason. */
export async function readinessCheck(
  checks: readonly ReadinessCheck[],
  timeoutMs = 800,
): Promise<Record<string, string>> {
  const failing: Record<string, string> = {};
  await Promise.all(
    checks.map(async ({ name, check }) => {
      let timer: NodeJS.Timeout | undefined;
      try {
        await Promise.race([
          check(),
          new Promise((_, reject) => {
            timer = setTimeout(() => reject(new Error(`no answer in ${timeoutMs} ms`)), timeoutMs);
          }),
        ]);
      } catch (error) {
        failing[name] = error instanceof Error ? error.message : String(error);
      } finally {
        clearTimeout(timer);
      }
    }),
  );
  return failing;
}
