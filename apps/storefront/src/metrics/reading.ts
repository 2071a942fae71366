/** Reading a chart by keys and by ear. Pure. */
import type { PanelData } from '@ballast/contracts';
import { formatMoment } from './moments.ts';
import type { ChartData } from './series.ts';
import { formatValue } from './units.ts';

/** Moments that page-up and page-down pass over. */
const stride = 12;

/**
 * Where a key leads from a place on the axis of time; null where it is none of a slider's keys (WAI-ARIA Authoring
 * Practices, slider). `index` is null for the latest values, at `last`.
 */
export function momentIndex(key: string, index: number | null, last: number): number | null {
  const from = index ?? last;
  const steps: Record<string, number> = {
    ArrowLeft: -1,
    ArrowDown: -1,
    ArrowRight: 1,
    ArrowUp: 1,
    PageDown: -stride,
    PageUp: stride,
    Home: -last,
    End: last,
  };
  const step = steps[key];
  return step === undefined ? null : Math.min(last, Math.max(0, from + step));
}

/** Series that are said at once: what is longer nobody listens to, and the table has them all. */
const mostSaid = 8;

/**
 * What a screen reader says of a moment. For the latest values it is always the same sentence: else every refresh would be
 * read aloud.
 */
export function momentWords(panel: PanelData['panel'], { times, series }: ChartData, index: number | null): string {
  if (index === null) return 'Latest values. Arrow keys go back in time.';
  const said = series
    .slice(0, mostSaid)
    .map(({ name, values }) => `${name} ${formatValue(values[index] ?? null, panel.unit, panel.states)}`);
  const more = series.length > mostSaid ? `, and ${series.length - mostSaid} more` : '';
  return `${formatMoment(times[index]!)}: ${said.join(', ')}${more}`;
}
