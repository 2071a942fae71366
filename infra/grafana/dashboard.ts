/** A Grafana dashboard made of the panels of one board. Pure; `generate.ts` writes what it returns. */
import { type Board, type Panel, panels, type PanelUnit } from '@ballast/contracts';

/** The data source that provisioning/datasources/prometheus.yml names. */
export const datasource = { type: 'prometheus', uid: 'ballast-prometheus' };

/** Grafana's names of our units. */
const units: Record<PanelUnit, string> = {
  count: 'short',
  perSecond: 'ops',
  seconds: 's',
  share: 'percentunit',
  state: 'none',
};

const kinds: Record<Panel['kind'], string> = { stat: 'stat', timeseries: 'timeseries', pie: 'piechart' };

/** The grid is 24 columns wide; a panel's size goes by its kind. */
const gridWidth = 24;
const sizes: Record<Panel['kind'], { w: number; h: number }> = {
  stat: { w: 6, h: 4 },
  timeseries: { w: 8, h: 8 },
  pie: { w: 8, h: 8 },
};

/** What Grafana takes as a dashboard: JSON in which only what is written here differs from its defaults. */
export type Dashboard = ReturnType<typeof dashboard>;

/** The dashboard of a board, from the last quarter of an hour, refreshed every 5 s. */
export function dashboard(board: Board) {
  const places = layOut(panels.filter((panel) => panel.board === board.id));
  return {
    uid: `ballast-${board.id}`,
    title: board.title,
    tags: ['ballast'],
    editable: false,
    schemaVersion: 39,
    refresh: '5s',
    time: { from: 'now-15m', to: 'now' },
    timepicker: { refresh_intervals: ['5s', '10s', '30s', '1m'] },
    panels: places.map(({ panel, place }, index) => ({ id: index + 1, gridPos: place, ...drawn(panel) })),
  };
}

function drawn(panel: Panel) {
  const isSeries = panel.kind === 'timeseries';
  return {
    title: panel.title,
    type: kinds[panel.kind],
    datasource,
    targets: [
      {
        refId: 'A',
        datasource,
        expr: panel.expr,
        legendFormat: panel.legend,
        // A number and a pie are about now; lines are about the time they cover.
        instant: !isSeries,
        range: isSeries,
      },
    ],
    fieldConfig: {
      defaults: {
        unit: units[panel.unit],
        min: 0,
        ...(panel.states === undefined
          ? {}
          : {
              max: panel.states.length - 1,
              decimals: 0,
              mappings: [{ type: 'value', options: stateNames(panel.states) }],
            }),
      },
      overrides: [],
    },
    options: isSeries
      ? { legend: { displayMode: 'list', placement: 'bottom' }, tooltip: { mode: 'multi', sort: 'desc' } }
      : { reduceOptions: { calcs: ['lastNotNull'], fields: '', values: false } },
  };
}

const stateNames = (states: readonly string[]): Record<string, { text: string; index: number }> =>
  Object.fromEntries(states.map((text, index) => [String(index), { text, index }]));

/** Side by side from the left, a new row where one is full. */
function layOut(list: readonly Panel[]): { panel: Panel; place: { x: number; y: number; w: number; h: number } }[] {
  let [x, y, rowHeight] = [0, 0, 0];
  return list.map((panel) => {
    const { w, h } = sizes[panel.kind];
    if (x + w > gridWidth || (x > 0 && h !== rowHeight)) [x, y] = [0, y + rowHeight];
    const place = { x, y, w, h };
    x += w;
    rowHeight = h;
    return { panel, place };
  });
}
