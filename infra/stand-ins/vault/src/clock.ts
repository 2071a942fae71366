/** Lifetimes: what Vault grants when it is asked for some time. */
import { VaultError } from './answers.ts';

/** Vault's own default and maximum, 32 days. */
export const systemSeconds = 2_764_800;

/** What was granted: when it ends, in milliseconds since 1970, how many seconds that is from now, and what to warn of. */
export type Granted = { expiresAt: number; seconds: number; warnings: readonly string[] };

/** Grants `wanted` seconds from `now`, but nothing after `maximumAt`. @throws VaultError 400 when that has passed. */
export function grant(wanted: number, now: number, maximumAt: number): Granted {
  const left = Math.floor((maximumAt - now) / 1000);
  if (left <= 0) throw new VaultError(400, 'failed to renew entry: past the max TTL, cannot renew');
  if (wanted <= left) return { expiresAt: now + wanted * 1000, seconds: wanted, warnings: [] };
  return {
    expiresAt: maximumAt,
    seconds: left,
    warnings: [`TTL of "${wanted}s" exceeded the effective max_ttl of "${left}s"; TTL value is capped accordingly`],
  };
}
