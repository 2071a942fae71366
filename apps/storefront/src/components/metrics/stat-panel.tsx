/** One number, large. */
import type { PanelData } from '@ballast/contracts';
import { chartData, summarize } from '../../metrics/series.ts';
import { formatValue } from '../../metrics/units.ts';
import { formatMoment } from '../../metrics/moments.ts';

export function StatPanel({ data }: { data: PanelData }) {
  const { times, series } = chartData(data);
  const { unit, states } = data.panel;
  return (
    <>
      {series.map((one) => {
        const { latest, at, isCurrent } = summarize(one, times);
        return (
          <p key={one.name} class="stat">
            <span class="stat-value" data-testid="stat-value">
              {formatValue(isCurrent ? latest : null, unit, states)}
            </span>{' '}
            <span class="stat-name">
              {isCurrent || at === null
                ? one.name
                : `last ${formatValue(latest, unit, states)}, at ${formatMoment(at)}`}
            </span>
          </p>
        );
      })}
    </>
  );
}
