/** Whether a check sees what was planted for it to see. */
import assert from 'node:assert/strict';
import type { GuaranteeReport } from '../src/guarantees/report.ts';

/**
 * Checks push towards the moment at which a defect shows; which of two processes is first in it stays chance. So a check
 * that has not seen it is run again, this often at most: one that is blind sees it never.
 */
const mostRuns = 4;

/** Runs `check` until one of its violations begins with `broken`; throws with what it saw instead where none ever does. */
export async function assertFound(check: () => Promise<GuaranteeReport>, broken: string | RegExp): Promise<void> {
  const seen: string[] = [];
  for (let run = 0; run < mostRuns; run += 1) {
    const { violations } = await check();
    const isIt = (violation: string): boolean =>
      typeof broken === 'string' ? violation.startsWith(broken) : broken.test(violation);
    if (violations.some(isIt)) return;
    seen.push(`run ${run + 1}: ${violations.length === 0 ? 'nothing' : violations.join('\n')}`);
  }
  assert.fail(`not found: ${broken}\n${seen.join('\n')}`);
}
