/** Lines over time, what they are called with their values, and the same as a table. */
import { useMemo, useRef, useState } from 'preact/hooks';
import type { PanelData } from '@ballast/contracts';
import { chartData } from '../../metrics/series.ts';
import { lookOf } from '../../metrics/looks.ts';
import type { Look } from '../../metrics/looks.ts';
import { placesOf, useScheme } from './scheme.ts';
import { Legend } from './legend.tsx';
import { LineChart } from './line-chart.tsx';
import { SeriesTable } from './series-table.tsx';

export function TimePanel({ data }: { data: PanelData }) {
  const scheme = useScheme();
  const chart = useMemo(() => chartData(data), [data]);
  const places = placesOf(data.panel.legend);
  const looks = chart.series.map(({ name }): Look => {
    const look = lookOf(places.of(name), scheme);
    // States have a lane each, in the order of the legend: dashes would only make them restless.
    return data.panel.unit === 'state' ? { ...look, dash: [] } : look;
  });
  // Seconds since the epoch; null where nobody points at anything, and the latest values are told.
  const [moment, setMoment] = useState<number | null>(null);
  const [nearest, setNearest] = useState<number | null>(null);
  const pinned = useRef(false);
  const found = moment === null ? -1 : chart.times.indexOf(moment);
  const index = found === -1 ? null : found;

  return (
    <>
      <LineChart
        panel={data.panel}
        chart={chart}
        looks={looks}
        scheme={scheme}
        index={index}
        pinned={pinned}
        onMoment={setMoment}
        onNearest={setNearest}
      />
      <Legend panel={data.panel} chart={chart} looks={looks} index={index} nearest={nearest} />
      <SeriesTable panel={data.panel} chart={chart} minutes={Math.round((data.to - data.from) / 60)} />
    </>
  );
}
