/** Instants and durations for people. Input is RFC 3339 UTC, output is in the visitor's own time zone. */
import { pageLocale } from './money.ts';

const dayAndTime = new Intl.DateTimeFormat(pageLocale, { dateStyle: 'medium', timeStyle: 'short' });
const clock = new Intl.DateTimeFormat(pageLocale, {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
});

/** E.g. `21 Nov 2026, 09:12`. */
export function formatDayAndTime(instant: string): string {
  return dayAndTime.format(new Date(instant));
}

/** E.g. `09:12:23`. */
export function formatClock(instant: string): string {
  return clock.format(new Date(instant));
}

/** Milliseconds from one instant to a later one; 0 where clocks of two machines put them the other way round. */
export function elapsedMilliseconds(from: string, to: string): number {
  return Math.max(0, Date.parse(to) - Date.parse(from));
}

/** A duration in milliseconds as short text: `85 ms`, `1.2 s`, `48 s`, `2 min 5 s`. */
export function formatDuration(milliseconds: number): string {
  if (milliseconds < 1000) return `${Math.round(milliseconds)} ms`;
  const seconds = milliseconds / 1000;
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  if (seconds < 59.5) return `${Math.round(seconds)} s`;
  const whole = Math.round(seconds);
  const minutes = Math.floor(whole / 60);
  const rest = whole % 60;
  return rest === 0 ? `${minutes} min` : `${minutes} min ${rest} s`;
}

/** `1 item`, `2 items`. */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}
