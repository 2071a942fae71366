/** What was measured, as text for people: every unit a panel may have. Pure. */
import type { PanelUnit } from '@ballast/contracts';
import { pageLocale } from '../format/money.ts';
import { formatDuration } from '../format/time.ts';

/** Stands where nothing was measured. */
export const nothingMeasured = '—';

const whole = new Intl.NumberFormat(pageLocale, { maximumFractionDigits: 0 });
const threeDigits = new Intl.NumberFormat(pageLocale, { maximumSignificantDigits: 3 });
const oneDecimal = new Intl.NumberFormat(pageLocale, { maximumFractionDigits: 1 });
const fourDigits = new Intl.NumberFormat(pageLocale, { maximumSignificantDigits: 4 });

/** From here on a count is told in millions: a phone has room for no more digits. */
const longestWhole = 10_000_000;

/**
 * A measured value: `1,204`, `12.3 /s`, `85 ms`, `2.5 %`, or the name of a state. `states` names the values 0, 1, 2, …
 * of the unit `state`; a value without a name is told as a number.
 */
export function formatValue(value: number | null, unit: PanelUnit, states: readonly string[] = []): string {
  if (value === null) return nothingMeasured;
  switch (unit) {
    case 'count':
      return formatCount(value);
    case 'perSecond':
      return `${formatRate(value)} /s`;
    case 'seconds':
      return formatSeconds(value);
    case 'share':
      return formatShare(value);
    case 'state':
      return states[value] ?? threeDigits.format(value);
    default:
      return unit satisfies never;
  }
}

function formatCount(value: number): string {
  if (value >= longestWhole) return `${fourDigits.format(value / 1_000_000)} M`;
  return Number.isInteger(value) || value >= 100 ? whole.format(value) : oneDecimal.format(value);
}

function formatRate(value: number): string {
  // What is left of a rate that fades out has digits, but nothing to say.
  if (value > 0 && value < 0.001) return '< 0.001';
  return value >= 1_000 ? whole.format(value) : threeDigits.format(value);
}

function formatSeconds(value: number): string {
  if (value === 0) return '0 ms';
  // Below a hundred milliseconds their parts count: most requests end there.
  return value < 0.1 ? `${threeDigits.format(value * 1_000)} ms` : formatDuration(value * 1_000);
}

function formatShare(value: number): string {
  const percent = value * 100;
  // Something that failed is not nothing, however little it was.
  if (percent > 0 && percent < 0.1) return '< 0.1 %';
  return `${oneDecimal.format(percent)} %`;
}

/** Steps between the lines of an axis of counts: there is no half of a device. */
export const wholeSteps: readonly number[] = Array.from({ length: 13 }, (_, power) =>
  [1, 2, 5].map((step) => step * 10 ** power),
).flat();

/** The upper end of a vertical axis that begins at 0, for the highest value on it; null where there is none. */
export function upperEnd(highest: number | null, unit: PanelUnit): number {
  if (highest === null || highest <= 0) return unit === 'share' || unit === 'seconds' ? 0.01 : 1;
  const withAir = highest * 1.1;
  // A share never is above the whole, but a line at the very top would be cut in half.
  return unit === 'share' ? Math.min(Math.max(withAir, 0.01), 1.02) : withAir;
}
