/** What honest devices must not meet with: an end that nobody asked for. */
import type { CrewTally } from './crew.ts';

/**
 * Sentences about sessions that ended although their devices pinged. Where this machine held the devices up for longer than
 * the gateway waits, `idle` was right, and says nothing.
 */
export function unexpectedEnds(promise: string, tally: CrewTally, heartbeatSeconds: number): string[] {
  const wereSilent = tally.heldUpMs > (heartbeatSeconds * 1_000) / 2;
  return Object.entries(tally.ended)
    .filter(([reason]) => reason !== 'idle' || !wereSilent)
    .map(([reason, count]) => `${promise}: ${count} ended, ${reason}`);
}
