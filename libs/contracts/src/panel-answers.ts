/** What the bff answers about panels: `GET /api/metrics/panels` and `GET /api/metrics/panels/:id?minutes=`. For operators. */
import { Type, type Static } from 'typebox';
import { boardIds, panelKinds, panelUnits } from './panels.ts';

/** Most points of a series, and most series of an answer. */
export const panelLimits = { points: 300, series: 50, minutes: 360 } as const;

/** A panel as it is told; see `Panel` for its members. */
export const PanelView = Type.Object({
  id: Type.String(),
  board: Type.Enum([...boardIds]),
  title: Type.String(),
  kind: Type.Enum([...panelKinds]),
  unit: Type.Enum([...panelUnits]),
  expr: Type.String(),
  legend: Type.String(),
  states: Type.Optional(Type.Array(Type.String())),
});

/** Every dashboard and every panel, in the order in which they are shown. */
export const PanelList = Type.Object({
  boards: Type.Array(Type.Object({ id: Type.Enum([...boardIds]), title: Type.String() })),
  panels: Type.Array(PanelView),
});
export type PanelList = Static<typeof PanelList>;

export const PanelParams = Type.Object({ id: Type.String({ pattern: '^[a-z0-9-]{1,60}$' }) });

export const PanelQuery = Type.Object(
  { minutes: Type.Integer({ minimum: 1, maximum: panelLimits.minutes, default: 15 }) },
  { additionalProperties: false },
);

/** Seconds since the epoch. */
const Seconds = Type.Number({ minimum: 0 });

/** Time and value. A list of two to the schema: what writes answers knows no tuples of different kinds. */
const Point = Type.Unsafe<[at: number, value: number | null]>(
  Type.Array(Type.Union([Type.Number(), Type.Null()]), { minItems: 2, maxItems: 2 }),
);

/**
 * A panel with its series. Every series has a point for each `from + n × step` up to `to`, so that they share one axis of
 * time; its value is null where nothing was measured, or nothing that is a number.
 */
export const PanelData = Type.Object({
  panel: PanelView,
  from: Seconds,
  to: Seconds,
  step: Seconds,
  series: Type.Array(
    Type.Object({
      labels: Type.Record(Type.String(), Type.String()),
      points: Type.Array(Point, { maxItems: panelLimits.points }),
    }),
    { maxItems: panelLimits.series },
  ),
  /** Series beyond the limit, which are not told. */
  omitted: Type.Integer({ minimum: 0 }),
});
export type PanelData = Static<typeof PanelData>;
