/** Faults as they are listed: the active ones counting down, the others as receipts. Pure. */
import type { Fault } from '@ballast/contracts';
import { formatDuration } from '../format/time.ts';

/** What stands where nothing was measured. */
const nothingMeasured = '–';

/** A duration in milliseconds as text, or a dash. */
export function durationOrNothing(milliseconds: number | null): string {
  return milliseconds === null ? nothingMeasured : formatDuration(milliseconds);
}

/** "3 of 120", or a dash where no request ended meanwhile. */
export function failedOf({ receipt }: Fault): string {
  if (receipt.requests === 0) return nothingMeasured;
  return `${receipt.failed.toLocaleString('en')} of ${receipt.requests.toLocaleString('en')}`;
}

/** Whole seconds a fault still has; 0 when its time is over. `now` by the mesh's clock, in milliseconds. */
export function secondsLeft(fault: Fault, now: number): number {
  return Math.max(0, Math.ceil((Date.parse(fault.until) - now) / 1000));
}

/** How much of its time is left, from 1 down to 0. */
export function shareLeft(fault: Fault, now: number): number {
  const whole = Date.parse(fault.until) - Date.parse(fault.injectedAt);
  if (whole <= 0) return 0;
  return Math.min(1, Math.max(0, (Date.parse(fault.until) - now) / whole));
}

/** Active ones, those that end first above; the others, the newest above, at most so many. */
export function sortFaults(faults: readonly Fault[], most: number): { active: Fault[]; ended: Fault[] } {
  const active = faults
    .filter(({ state }) => state === 'active')
    .toSorted((left, right) => compare(left.until, right.until));
  const ended = faults
    .filter(({ state }) => state !== 'active')
    .toSorted((left, right) => compare(right.injectedAt, left.injectedAt))
    .slice(0, most);
  return { active, ended };
}

function compare(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}
