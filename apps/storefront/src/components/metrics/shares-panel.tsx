/** Shares of a whole: a ring, and beside it what it is made of, as a table with every name. */
import type { PanelData } from '@ballast/contracts';
import { ring, slicesOf } from '../../metrics/donut.ts';
import type { Slice } from '../../metrics/donut.ts';
import { lookOf } from '../../metrics/looks.ts';
import { chartData, summarize } from '../../metrics/series.ts';
import { formatValue } from '../../metrics/units.ts';
import { useScheme } from './scheme.ts';

/** Below this share an arc has no room for its number. */
const leastForNumber = 0.04;

export function SharesPanel({ data }: { data: PanelData }) {
  const scheme = useScheme();
  const { unit, title } = data.panel;
  const { times, series } = chartData(data);
  const entries = series.map((one) => {
    const { latest, isCurrent } = summarize(one, times);
    return { name: one.name, value: isCurrent ? latest : null };
  });
  const { total, slices } = slicesOf(entries);
  // By size, not by name: so the colours of one ring always differ, and number and colour go together.
  const colourOf = (place: number): string => lookOf(place, scheme).colour;
  if (total === 0) return <p class="panel-note">All of them are 0 so far.</p>;
  return (
    <div class="shares">
      <Ring slices={slices} total={formatValue(total, unit)} colourOf={colourOf} />
      <table class="series-table shares-table">
        <caption class="visually-hidden">{title}</caption>
        <thead>
          <tr>
            <th scope="col">{columnOf(data)}</th>
            <th scope="col">Number</th>
            <th scope="col">Share</th>
          </tr>
        </thead>
        <tbody>
          {rowsOf(slices, entries).map(({ name, value, place }) => (
            <tr key={name}>
              <th scope="row">
                <span class="shares-mark" aria-hidden="true">
                  <svg viewBox="0 0 12 12" width="12" height="12" focusable="false">
                    <rect width="12" height="12" rx="3" fill={place === null ? 'none' : colourOf(place)} />
                  </svg>
                  {place === null ? '' : place + 1}
                </span>
                {name}
              </th>
              <td>{formatValue(value, unit)}</td>
              <td>{formatValue((value ?? 0) / total, 'share')}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** What the names are names of: the label by which the whole is divided. */
function columnOf({ series }: PanelData): string {
  const label = Object.keys(series[0]?.labels ?? {})[0] ?? 'name';
  return label.charAt(0).toUpperCase() + label.slice(1).replaceAll('_', ' ');
}

/** `place` is that of its slice, counted from 0; null where it has none, because there is nothing of it. */
type Row = { name: string; value: number | null; place: number | null };

/** Every name, those with an arc first; where several share one they share its number. */
function rowsOf(slices: readonly Slice[], entries: readonly { name: string; value: number | null }[]): Row[] {
  const values = new Map(entries.map(({ name, value }) => [name, value]));
  const shown = slices.flatMap(({ names }, place) =>
    names.map((name) => ({ name, value: values.get(name) ?? null, place })),
  );
  const known = new Set(shown.map(({ name }) => name));
  const rest = entries.filter(({ name }) => !known.has(name));
  return [...shown, ...rest.map(({ name, value }) => ({ name, value, place: null }))];
}

type RingProps = { slices: readonly Slice[]; total: string; colourOf: (place: number) => string };

/** Hidden from screen readers: the table beside it says the same, and more. */
function Ring({ slices, total, colourOf }: RingProps) {
  return (
    <svg class="ring" viewBox="-52 -52 104 104" aria-hidden="true" focusable="false">
      {slices.map(({ name, path }, place) => (
        <path key={name} class="ring-arc" d={path} fill={colourOf(place)} />
      ))}
      {slices.map(
        ({ name, share, middle }, place) =>
          share >= leastForNumber && (
            <text key={name} class="ring-number" x={middle.x} y={middle.y}>
              {place + 1}
            </text>
          ),
      )}
      <text class="ring-total" y={-ring.inner * 0.08}>
        {total}
      </text>
      <text class="ring-word" y={ring.inner * 0.36}>
        in all
      </text>
    </svg>
  );
}
