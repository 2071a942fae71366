/** How long calls may take and what may be sent twice, by kind of call. */

/** Reads: another replica is asked after a second of silence. */
export const readLimits = { repeatable: true, timeoutMs: 3_000, attemptMs: 1_000 };
/** Writes that an idempotency key protects: sent again after a lost connection, never because of a slow answer. */
export const keyedWriteLimits = { repeatable: true, timeoutMs: 5_000 };
/** All other writes: sent again only when nothing had been sent. */
export const writeLimits = { repeatable: false, timeoutMs: 5_000 };

/** A path with the values of a validated query, encoded; undefined ones are left out. */
export function pathWithQuery(path: string, query: Record<string, string | number | undefined>): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) parameters.append(name, String(value));
  }
  return parameters.size === 0 ? path : `${path}?${parameters.toString()}`;
}
