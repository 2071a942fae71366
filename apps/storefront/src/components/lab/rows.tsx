/** Rows of tables, as the database holds them. */
import type { LabRow } from '@ballast/contracts';
import { columnsOf, compareRows, valueText } from '../../lab/rows.ts';
import type { Change } from '../../lab/rows.ts';
import { plural } from '../../format/time.ts';

/** From this many columns on a row is shown as a list of its columns. */
const widest = 6;

/** Some rows below one another. On a narrow screen each is a block of its own (lab.css). */
export function RowsTable({ title, rows }: { title: string; rows: readonly LabRow[] }) {
  const columns = columnsOf(rows);
  if (rows.length === 0) {
    return (
      <p class="rows-none">
        <strong>{title}:</strong> no rows.
      </p>
    );
  }
  return (
    <table class={`rows${columns.length > widest ? ' rows-tall' : ''}`}>
      <caption>{title}</caption>
      <thead>
        <tr>
          {columns.map((column) => (
            <th key={column} scope="col">
              {column}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((row, index) => (
          <tr key={index}>
            {columns.map((column) => (
              <td key={column} data-column={column}>
                {valueText(row[column])}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

type BeforeAfterProps = { title: string; before: readonly LabRow[]; after: readonly LabRow[] };

/** The same rows before and after, column by column: what changed first, the rest folded away. */
export function BeforeAfter({ title, before, after }: BeforeAfterProps) {
  const count = Math.max(before.length, after.length);
  if (count === 0) return <RowsTable title={title} rows={[]} />;
  // Many rows would only repeat themselves: their number says enough.
  const shown = Math.min(count, 3);
  return (
    <>
      {Array.from({ length: shown }, (_, index) => (
        <Comparison
          key={index}
          title={count === 1 ? title : `${title}, row ${index + 1} of ${count}`}
          before={before[index]}
          after={after[index]}
        />
      ))}
    </>
  );
}

type ComparisonProps = { title: string; before: LabRow | undefined; after: LabRow | undefined };

function Comparison({ title, before, after }: ComparisonProps) {
  const changes = compareRows(before, after);
  const changed = changes.filter((change) => change.changed);
  const unchanged = changes.filter((change) => !change.changed);
  return (
    <div class="rows-group">
      {changed.length === 0 ? (
        <p class="rows-none">
          <strong>{title}:</strong> nothing changed.
        </p>
      ) : (
        <Columns title={title} changes={changed} isNew={before === undefined} isGone={after === undefined} />
      )}
      {unchanged.length > 0 && (
        <details class="rows-unchanged">
          <summary>{plural(unchanged.length, 'column')} unchanged</summary>
          <Columns title={`${title}: what did not change`} changes={unchanged} isNew={false} isGone={false} />
        </details>
      )}
    </div>
  );
}

type ColumnsProps = { title: string; changes: readonly Change[]; isNew: boolean; isGone: boolean };

function Columns({ title, changes, isNew, isGone }: ColumnsProps) {
  return (
    <table class="rows rows-compared">
      <caption>{title}</caption>
      <thead>
        <tr>
          <th scope="col">Column</th>
          <th scope="col">Before</th>
          <th scope="col">After</th>
        </tr>
      </thead>
      <tbody>
        {changes.map(({ column, before, after, changed }) => (
          <tr key={column} class={changed ? 'rows-changed' : undefined}>
            <th scope="row">{column}</th>
            <td>{isNew ? 'no row' : (before ?? '')}</td>
            <td>{isGone ? 'no row' : (after ?? '')}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
