/**
 * Where the mesh stands between a fault and its healing.
 *
 * |                     | nobody has noticed | something is not ready, fails or is violated |
 * | ------------------- | ------------------ | -------------------------------------------- |
 * | a fault is active   | INJECT             | DEGRADED                                     |
 * | none is             | STEADY             | RECOVERING                                   |
 */
import type { LivePhase, Phase } from '@ballast/contracts';

/** What the phase depends on. */
export interface PhaseFacts {
  /** Titles of faults that are active, and of those that are over and not healed. */
  active: readonly string[];
  recovering: readonly string[];
  /** Names of what is not ready; what is not known does not count. */
  notReady: readonly string[];
  /** Requests that failed in the last two seconds. */
  failed: number;
  /** Numbers of invariants. Those that settle count only when no fault is active: meanwhile they may. */
  violated: readonly number[];
  settling: readonly number[];
}

const historyLength = 200;

const table: Record<'active' | 'none', Record<'unnoticed' | 'noticed', Phase>> = {
  active: { unnoticed: 'INJECT', noticed: 'DEGRADED' },
  none: { unnoticed: 'STEADY', noticed: 'RECOVERING' },
};

/** The phase, and why. */
export function phaseOf(facts: PhaseFacts): { phase: Phase; reason: string } {
  const signs = signsOf(facts);
  const phase = table[facts.active.length > 0 ? 'active' : 'none'][signs.length > 0 ? 'noticed' : 'unnoticed'];
  switch (phase) {
    case 'STEADY':
      return { phase, reason: 'Nothing is broken, and everything is ready.' };
    case 'INJECT':
      return { phase, reason: `${named(facts.active)}. Nobody has noticed.` };
    case 'DEGRADED':
      return { phase, reason: `${named(facts.active)}. ${sentence(signs)}` };
    case 'RECOVERING':
      return { phase, reason: sentence(signs) };
  }
}

/** The slice after a look at `now`; the same object where nothing has changed. */
export function nextPhase(before: LivePhase, facts: PhaseFacts, now: Date): LivePhase {
  const { phase, reason } = phaseOf(facts);
  if (phase === before.phase) return reason === before.reason ? before : { ...before, reason };
  const since = now.toISOString();
  return { phase, since, reason, history: [...before.history, { phase, at: since }].slice(-historyLength) };
}

/** Before anything was looked at. */
export function firstPhase(now: Date): LivePhase {
  const at = now.toISOString();
  return { phase: 'STEADY', since: at, reason: 'Nothing has been looked at yet.', history: [{ phase: 'STEADY', at }] };
}

function signsOf({ active, recovering, notReady, failed, violated, settling }: PhaseFacts): string[] {
  const signs: string[] = [];
  if (notReady.length > 0) signs.push(`not ready: ${named(notReady)}`);
  if (failed > 0) signs.push(`${failed} ${failed === 1 ? 'request' : 'requests'} failed in the last two seconds`);
  if (violated.length > 0) signs.push(`${invariants(violated)} violated`);
  if (active.length === 0 && settling.length > 0) signs.push(`${invariants(settling)} settling`);
  if (active.length === 0 && recovering.length > 0) signs.push(`not healed yet: ${named(recovering)}`);
  return signs;
}

const invariants = (numbers: readonly number[]): string =>
  numbers.length === 1 ? `invariant ${numbers[0]} is` : `invariants ${numbers.join(', ')} are`;

const sentence = (signs: readonly string[]): string => {
  const text = signs.join('; ');
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
};

/** At most three by name. */
function named(names: readonly string[]): string {
  const shown = names.slice(0, 3).join(', ');
  return names.length > 3 ? `${shown} and ${names.length - 3} more` : shown;
}
