/** A chart's series as a table: for whoever reads better than they see, and for copying. */
import { useState } from 'preact/hooks';
import type { PanelData } from '@ballast/contracts';
import { formatMoment } from '../../metrics/moments.ts';
import { summarize } from '../../metrics/series.ts';
import type { ChartData } from '../../metrics/series.ts';
import { formatValue, nothingMeasured } from '../../metrics/units.ts';

type SeriesTableProps = {
  panel: PanelData['panel'];
  chart: ChartData;
  /** How far the chart looks back. */
  minutes: number;
};

export function SeriesTable({ panel, chart, minutes }: SeriesTableProps) {
  const [open, setOpen] = useState(false);
  return (
    <details class="as-table" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        Show as table<span class="visually-hidden">: {panel.title}</span>
      </summary>
      {open && <Rows panel={panel} chart={chart} minutes={minutes} />}
      <p class="as-table-query">
        Asked of Prometheus: <code>{panel.expr}</code>
      </p>
    </details>
  );
}

function Rows({ panel, chart, minutes }: SeriesTableProps) {
  const { unit, states } = panel;
  return (
    <table class="series-table">
      <caption>
        {panel.title}, the last {minutes} minutes
      </caption>
      <thead>
        <tr>
          <th scope="col">Series</th>
          <th scope="col">Latest</th>
          <th scope="col">Lowest</th>
          <th scope="col">Highest</th>
        </tr>
      </thead>
      <tbody>
        {chart.series.map((one) => {
          const { latest, at, isCurrent, lowest, highest } = summarize(one, chart.times);
          return (
            <tr key={one.name}>
              <th scope="row">{one.name}</th>
              <td>
                {at === null ? nothingMeasured : formatValue(latest, unit, states)}
                {at !== null && !isCurrent && <span class="ended">at {formatMoment(at)}, none since</span>}
              </td>
              <td>{formatValue(lowest, unit, states)}</td>
              <td>{formatValue(highest, unit, states)}</td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}
