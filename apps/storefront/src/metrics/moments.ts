/** Moments on an axis of time, for people, in the visitor's own time zone. Pure. */
import { pageLocale } from '../format/money.ts';

const seconds = new Intl.DateTimeFormat(pageLocale, { hour: '2-digit', minute: '2-digit', second: '2-digit' });
const minutes = new Intl.DateTimeFormat(pageLocale, { hour: '2-digit', minute: '2-digit' });

/** Seconds since the epoch as `14:03:05`. */
export function formatMoment(at: number): string {
  return seconds.format(new Date(at * 1_000));
}

/** Marks on an axis: `14:03`, and with their seconds only where marks are less than a minute apart. */
export function formatMarks(marks: readonly number[]): string[] {
  const format = marks.length > 1 && marks[1]! - marks[0]! < 60 ? seconds : minutes;
  return marks.map((at) => format.format(new Date(at * 1_000)));
}
