/** Rows of tables as text, and what changed between two of them. Pure. */
import type { LabRow } from '@ballast/contracts';

/** The longest value that is shown whole, in characters. */
const longestValue = 120;

/** A value as a table shows it. */
export function valueText(value: unknown): string {
  if (value === undefined) return '';
  const text = value === null ? 'NULL' : typeof value === 'string' ? value : JSON.stringify(value);
  return text.length > longestValue ? `${text.slice(0, longestValue)}…` : text;
}

/** All columns of these rows, in the order in which they appear. */
export function columnsOf(rows: readonly LabRow[]): string[] {
  return [...new Set(rows.flatMap((row) => Object.keys(row)))];
}

/** One column of one row, before and after; undefined where there was no such row or column. */
export type Change = { column: string; before: string | undefined; after: string | undefined; changed: boolean };

/** Compares a row with what became of it, column by column. */
export function compareRows(before: LabRow | undefined, after: LabRow | undefined): Change[] {
  const columns = columnsOf([before, after].filter((row) => row !== undefined));
  return columns.map((column) => {
    const [was, is] = [textAt(before, column), textAt(after, column)];
    return { column, before: was, after: is, changed: was !== is };
  });
}

function textAt(row: LabRow | undefined, column: string): string | undefined {
  return row === undefined || !(column in row) ? undefined : valueText(row[column]);
}

/** An ETag as the version it stands for: `"771"` → `771`. */
export function versionText(etag: string): string {
  return etag.replaceAll(/^W\/|"/g, '');
}
