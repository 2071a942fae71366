/** How uPlot is to draw a panel: axes in the panel's unit, lines by their looks, colours from the page's own. */
import type { PanelUnit } from '@ballast/contracts';
import uPlot from 'uplot';
import type { Look } from '../../metrics/looks.ts';
import { formatMarks } from '../../metrics/moments.ts';
import { inLane } from '../../metrics/series.ts';
import type { ChartData } from '../../metrics/series.ts';
import { formatValue, upperEnd, wholeSteps } from '../../metrics/units.ts';

export type ChartLooks = {
  unit: PanelUnit;
  states: readonly string[];
  names: readonly string[];
  looks: readonly Look[];
  /** Where it is drawn: its colours and its font are taken from there. */
  element: Element;
  width: number;
  height: number;
  /** The reader points at a moment, by its place on the axis of time; null where at none. */
  onIndex(index: number | null): void;
  /** The line nearest to the pointer, by its place among the series; null for none. */
  onNearest(index: number | null): void;
};

/** CSS pixels from the pointer within which a line is meant. */
const nearness = 24;

export function chartOptions(asked: ChartLooks): uPlot.Options {
  const { unit, states, names, looks, width, height } = asked;
  const style = getComputedStyle(asked.element);
  const colour = (name: string): string => style.getPropertyValue(name).trim();
  const axis = {
    stroke: colour('--ink-soft'),
    font: `12px ${style.fontFamily}`,
    ticks: { stroke: colour('--line'), width: 1, size: 5 },
    gap: 4,
  };
  const isState = unit === 'state';
  const stepped = uPlot.paths.stepped?.({ align: 1 });
  return {
    width,
    height,
    legend: { show: false },
    padding: [8, 10, 0, 0],
    focus: { alpha: 0.3 },
    cursor: {
      // A moved window would be lost with the next answer.
      drag: { x: false, y: false, setScale: false },
      y: false,
      focus: { prox: nearness },
      points: { size: 7 },
    },
    scales: {
      x: { time: true },
      y: {
        range: (_, __, highest) => (isState ? [-0.5, states.length - 0.5] : [0, upperEnd(highest, unit)]),
      },
    },
    axes: [
      {
        ...axis,
        size: 30,
        space: 64,
        grid: { show: false },
        values: (_, marks) => formatMarks(marks),
      },
      {
        ...axis,
        size: (_, values) => 16 + 7 * Math.max(4, ...(values ?? []).map(({ length }) => length)),
        space: 34,
        grid: isState ? { show: false } : { stroke: colour('--line'), width: 1 },
        values: (_, marks) => marks.map((mark) => formatValue(mark, unit, states)),
        ...(unit === 'count' ? { incrs: [...wholeSteps] } : {}),
        ...(isState ? { splits: () => states.map((_, index) => index) } : {}),
      },
    ],
    series: [
      {},
      ...names.map((label, index): uPlot.Series => {
        const look = looks[index]!;
        return {
          label,
          stroke: look.colour,
          dash: [...look.dash],
          // Many lanes of states in one band need air between them.
          width: isState && names.length > 6 ? 1.25 : 1.75,
          // A point alone between gaps would be no line: uPlot marks those, and only those, by itself.
          points: { size: 5, fill: look.colour },
          ...(isState && stepped !== undefined ? { paths: stepped } : {}),
        };
      }),
    ],
    hooks: {
      setCursor: [(chart) => asked.onIndex(chart.cursor.idx ?? null)],
      setSeries: [(_, series) => asked.onNearest(series === null ? null : series - 1)],
      ...(isState ? { drawAxes: [(chart) => drawBands(chart, states.length, colour('--line'))] } : {}),
    },
  };
}

/** Lines between the bands of states: a state is a band, not a height. */
function drawBands(chart: uPlot, count: number, colour: string): void {
  const { ctx, bbox } = chart;
  ctx.save();
  ctx.strokeStyle = colour;
  ctx.lineWidth = devicePixelRatio;
  ctx.beginPath();
  for (let state = 0; state <= count; state += 1) {
    const y = Math.round(chart.valToPos(state - 0.5, 'y', true));
    ctx.moveTo(bbox.left, y);
    ctx.lineTo(bbox.left + bbox.width, y);
  }
  ctx.stroke();
  ctx.restore();
}

/** The series as uPlot wants them. */
export function plotData({ times, series }: ChartData, unit: PanelUnit): uPlot.AlignedData {
  return [
    [...times],
    ...series.map(({ values }, index) =>
      unit === 'state' ? values.map((value) => inLane(value, index, series.length)) : [...values],
    ),
  ];
}
