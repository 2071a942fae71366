/**
 * Values of the contract that the page needs while it runs. The pages take only types from the contracts, so that no schema
 * and no TypeBox is loaded with them; a test holds these to what the contract says.
 */
import type { PartAction, Phase, ToxicType } from '@ballast/contracts';

/** The point every process passes ten times a second. */
export const tickPoint = 'process.tick';

/** A point of every process that has messages of its own to tell. */
export const outboxPoint = 'after-publish';

/** Toxics in the order in which they are offered. */
export const toxics: readonly ToxicType[] = [
  'down',
  'latency',
  'timeout',
  'reset_peer',
  'drop',
  'bandwidth',
  'slicer',
  'limit_data',
  'slow_close',
];

export const phases: readonly Phase[] = ['STEADY', 'INJECT', 'DEGRADED', 'RECOVERING'];

/** Part actions that are over as soon as they are done: how long they last cannot be chosen. */
export const momentary: ReadonlySet<PartAction> = new Set<PartAction>([
  'postgres.end-backends',
  'rabbitmq.close-connections',
  'redis.flush',
  'vault.revoke-leases',
  'message.poison',
  'message.duplicate',
]);
