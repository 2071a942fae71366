/** What every look has in common: it reports what it finds, or why it could not look, and how long that took. */
import { reasonOf } from '../clients/http.ts';
import type { Board, Finding } from '../domain/board.ts';

/** A part of an invariant, as it is named in domain/invariants.ts. */
export type PartName = readonly [invariant: number, part: string];

/**
 * Runs a look that concerns `parts` and puts what it found on the board. When it fails, all of them are unknown, and
 * `subject` says what could not be looked at.
 */
export async function report(
  board: Board,
  subject: string,
  parts: readonly PartName[],
  look: () => Promise<readonly Finding[]>,
): Promise<void> {
  const begun = performance.now();
  try {
    const findings = await look();
    const milliseconds = Math.round((performance.now() - begun) * 10) / 10;
    for (const finding of findings) board.note(finding, milliseconds);
  } catch (error) {
    for (const [invariant, part] of parts) board.fail(invariant, part, `${subject}: ${reasonOf(error)}`);
  }
}

export const plural = (count: number, one: string, many = `${one}s`): string => `${count} ${count === 1 ? one : many}`;
