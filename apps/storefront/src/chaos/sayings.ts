/** What is said aloud to those who hear the page: changes of phase, and invariants that break or hold again. Pure. */
import type { Verdicts } from '@ballast/contracts';
import type { Live } from './live.ts';
import { phaseLooks } from './words.ts';

/** Sentences for what changed between two views; none for the first. */
export function sayingsFor(before: Live, after: Live): string[] {
  const sentences: string[] = [];
  if (before.phase !== null && after.phase !== null && before.phase.phase !== after.phase.phase) {
    sentences.push(`${phaseLooks[after.phase.phase].word}: ${after.phase.reason}.`.replace(/\.\.$/, '.'));
  }
  const broken = violatedIn(before.invariants);
  const brokenNow = violatedIn(after.invariants);
  for (const [number, title] of brokenNow) {
    if (before.invariants !== null && !broken.has(number)) sentences.push(`Invariant ${number} is violated: ${title}`);
  }
  for (const number of broken.keys()) {
    const state = after.invariants?.items.find(({ invariant }) => invariant === number)?.state;
    if (state === 'holds') sentences.push(`Invariant ${number} holds again.`);
  }
  return sentences;
}

function violatedIn(verdicts: Verdicts | null): Map<number, string> {
  const violated = verdicts?.items.filter(({ state }) => state === 'violated') ?? [];
  return new Map(violated.map(({ invariant, title }) => [invariant, title]));
}

/** Sentences that wait to be said; beyond these the oldest are left out, for they are no longer true. */
const mostWaiting = 4;

/** Milliseconds between two utterances, so that a storm of changes does not talk without end. */
export const sayingGap = 3_000;

export type Speaker = {
  add(sentences: readonly string[]): void;
  /** What is to be said now, or null: nothing waits, or something was said a moment ago. */
  next(now: number): string | null;
};

export function createSpeaker(): Speaker {
  let waiting: string[] = [];
  let saidAt = Number.NEGATIVE_INFINITY;
  return {
    add(sentences) {
      waiting = [...waiting, ...sentences].slice(-mostWaiting);
    },
    next(now) {
      if (waiting.length === 0 || now - saidAt < sayingGap) return null;
      const said = waiting.join(' ');
      waiting = [];
      saidAt = now;
      return said;
    },
  };
}
