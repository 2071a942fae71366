/** What the lines of a chart are called, with their values: at the moment that is pointed at, else the latest. */
import type { PanelData } from '@ballast/contracts';
import type { Look } from '../../metrics/looks.ts';
import { formatMoment } from '../../metrics/moments.ts';
import { summarize } from '../../metrics/series.ts';
import type { ChartData } from '../../metrics/series.ts';
import { formatValue, nothingMeasured } from '../../metrics/units.ts';

type LegendProps = {
  panel: PanelData['panel'];
  chart: ChartData;
  looks: readonly Look[];
  index: number | null;
  nearest: number | null;
};

/** Longer legends scroll, and then they can be reached by keyboard. */
const mostWithoutScrolling = 24;

export function Legend({ panel, chart, looks, index, nearest }: LegendProps) {
  const { times, series } = chart;
  const scrolls = series.length > mostWithoutScrolling;
  return (
    <div class="legend">
      <p class="legend-moment">
        {index === null ? `Latest, ${formatMoment(times.at(-1)!)}` : `At ${formatMoment(times[index]!)}`}
      </p>
      <ul
        class="legend-series"
        aria-label={`Series of ${panel.title}`}
        {...(scrolls ? { tabIndex: 0, 'data-scrolls': true } : {})}
      >
        {series.map((one, place) => {
          const { latest, isCurrent } = summarize(one, times);
          const value = index === null ? (isCurrent ? latest : null) : (one.values[index] ?? null);
          return (
            <li key={one.name} class="legend-entry" data-nearest={nearest === place ? true : undefined}>
              <Swatch look={looks[place]!} />
              <span class="legend-name">{one.name}</span>
              <span class="legend-value" data-none={value === null ? true : undefined}>
                {value === null ? nothingMeasured : formatValue(value, panel.unit, panel.states)}
              </span>
            </li>
          );
        })}
      </ul>
    </div>
  );
}

/** A piece of the line as it is drawn, dashes too. */
function Swatch({ look }: { look: Look }) {
  return (
    <svg class="swatch" viewBox="0 0 24 8" width="24" height="8" aria-hidden="true" focusable="false">
      <line x1="1" y1="4" x2="23" y2="4" stroke={look.colour} stroke-width="3" stroke-dasharray={look.dash.join(' ')} />
    </svg>
  );
}
