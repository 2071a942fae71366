/**
 * Idempotency keys: one effect and one answer per key, whoever repeats the request and whatever dies in between.
 * Pattern: draft-ietf-httpapi-idempotency-key-header; Helland, "Idempotence is not a medical condition", 2012.
 */
import { fileURLToPath } from 'node:url';

export { fingerprintOf } from './fingerprint.ts';
export {
  createIdempotency,
  LeaseLost,
  type Answer,
  type Hold,
  type Idempotency,
  type IdempotencyEvent,
  type IdempotencyOptions,
  type KeyedRequest,
  type Outcome,
} from './idempotency.ts';
export { postgresKeys, type Claim, type CommitHook, type IdempotencyStore, type Turn } from './store.ts';
export type { ClaimRow } from './sql.ts';
export { settlementOf, type Settlement } from './settlement.ts';

/** The table `idempotency_keys`, for `migrate` of libs/postgres. */
export const idempotencyMigrations = {
  name: 'idempotency',
  directory: fileURLToPath(new URL('../migrations', import.meta.url)),
};
