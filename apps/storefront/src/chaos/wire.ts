/** Which calls of the wire feed are shown. Pure. */
import type { NumberedCall } from './live.ts';

export const statusClasses = ['2xx', '3xx', '4xx', '5xx', 'none'] as const;
export type StatusClass = (typeof statusClasses)[number];

export type WireFilter = {
  /** Empty: of every service. */
  service: string;
  /** Empty: of every class. */
  status: StatusClass | '';
  /** Part of a method, path, instance or trace id; case does not matter. */
  text: string;
};

export const everyCall: WireFilter = { service: '', status: '', text: '' };

/** The class of a status; `none` where there was no answer (0). */
export function statusClass(status: number): StatusClass {
  const class_ = statusClasses[Math.floor(status / 100) - 2];
  return status < 200 || status > 599 || class_ === undefined ? 'none' : class_;
}

/** The calls a filter lets through, newest first. */
export function filterCalls(calls: readonly NumberedCall[], filter: WireFilter): NumberedCall[] {
  const words = filter.text.trim().toLowerCase();
  return calls
    .filter(
      (call) =>
        (filter.service === '' || call.service === filter.service) &&
        (filter.status === '' || statusClass(call.status) === filter.status) &&
        (words === '' || searchedText(call).includes(words)),
    )
    .toReversed();
}

/** Services that calls were answered by, sorted. */
export function servicesIn(calls: readonly NumberedCall[]): string[] {
  return [...new Set(calls.map(({ service }) => service))].toSorted();
}

function searchedText(call: NumberedCall): string {
  return `${call.method} ${call.path} ${call.instance} ${call.traceId ?? ''} ${call.upstreams.join(' ')}`.toLowerCase();
}
