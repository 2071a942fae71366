/**
 * A chart drawn by uPlot that follows its box, its answers and the colours of the page. A pointer reads values at a moment;
 * so do the arrow keys, because to keyboards and screen readers the chart is a slider through time.
 */
import type { RefObject } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { PanelData } from '@ballast/contracts';
import uPlot from 'uplot';
import type { Look, Scheme } from '../../metrics/looks.ts';
import { momentIndex, momentWords } from '../../metrics/reading.ts';
import type { ChartData } from '../../metrics/series.ts';
import { chartOptions, plotData } from './chart-options.ts';
import 'uplot/dist/uPlot.min.css';

/** CSS pixels. */
const height = 210;

type LineChartProps = {
  panel: PanelData['panel'];
  chart: ChartData;
  looks: readonly Look[];
  scheme: Scheme;
  /** The moment that is read, by its place on the axis of time; null for the latest values. */
  index: number | null;
  /** True while the moment was chosen by keys: then it stays when new values come. */
  pinned: RefObject<boolean>;
  /** In seconds since the epoch. */
  onMoment: (at: number | null) => void;
  onNearest: (series: number | null) => void;
};

export function LineChart({ panel, chart, looks, scheme, index, pinned, onMoment, onNearest }: LineChartProps) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const latest = useRef(chart);
  latest.current = chart;
  const names = chart.series.map(({ name }) => name);

  // Made anew where lines, unit or colours are others: all of that is fixed in a chart once it is made.
  useEffect(() => {
    const element = box.current;
    if (element === null) return undefined;
    const made = new uPlot(
      chartOptions({
        unit: panel.unit,
        states: panel.states ?? [],
        names,
        looks,
        element,
        width: element.clientWidth,
        height,
        onIndex(place) {
          if (!pinned.current) onMoment(place === null ? null : (latest.current.times[place] ?? null));
        },
        onNearest,
      }),
      plotData(latest.current, panel.unit),
      element,
    );
    plot.current = made;
    const observer = new ResizeObserver(() => {
      if (element.clientWidth > 0 && element.clientWidth !== made.width)
        made.setSize({ width: element.clientWidth, height });
    });
    observer.observe(element);
    return () => {
      observer.disconnect();
      made.destroy();
      plot.current = null;
    };
  }, [JSON.stringify([names, looks, panel.unit, panel.states]), scheme]);

  useEffect(() => {
    plot.current?.setData(plotData(chart, panel.unit));
  }, [chart]);

  // The line through the chart stands where the keys have put it, also after the window has moved on.
  useEffect(() => {
    const made = plot.current;
    const at = index === null ? undefined : chart.times[index];
    if (made === null || !pinned.current) return;
    made.setCursor(at === undefined ? { left: -10, top: -10 } : { left: made.valToPos(at, 'x'), top: 0 }, false);
  }, [index, chart]);

  const letGo = (): void => {
    pinned.current = false;
    onMoment(null);
    plot.current?.setCursor({ left: -10, top: -10 }, false);
  };
  const last = chart.times.length - 1;
  return (
    <div
      ref={box}
      class="line-chart"
      role="slider"
      tabIndex={0}
      aria-label={`Moment in ${panel.title}`}
      aria-valuemin={0}
      aria-valuemax={last}
      aria-valuenow={index ?? last}
      aria-valuetext={momentWords(panel, chart, index)}
      onPointerMove={() => {
        pinned.current = false;
      }}
      onBlur={() => {
        if (pinned.current) letGo();
      }}
      onKeyDown={(event) => {
        if (event.key === 'Escape' && pinned.current) return letGo();
        const next = momentIndex(event.key, index, last);
        if (next === null || event.altKey || event.ctrlKey || event.metaKey) return undefined;
        event.preventDefault();
        pinned.current = true;
        return onMoment(chart.times[next] ?? null);
      }}
    />
  );
}
