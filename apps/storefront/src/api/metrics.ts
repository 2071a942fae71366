/** The calls `/metrics-view` makes. Both are for operators. */
import type { PanelData, PanelList } from '@ballast/contracts';
import { call } from './calls.ts';

/** Milliseconds an answer may take: the bff gives Prometheus two seconds, and asks anew are to come. */
const patienceMilliseconds = 5_000;

// A refusal is shown at once, and what to do about it is the poller's to say: no wait is sat out here.
const options = { patient: false, timeoutMilliseconds: patienceMilliseconds };

/** Every board and every panel there is. */
export function getPanels(signal: AbortSignal): Promise<PanelList> {
  return call('/api/metrics/panels', { ...options, signal });
}

/** What Prometheus has measured for a panel, from `minutes` ago until now. */
export function getPanel(id: string, minutes: number, signal: AbortSignal): Promise<PanelData> {
  return call(`/api/metrics/panels/${encodeURIComponent(id)}?${new URLSearchParams({ minutes: String(minutes) })}`, {
    ...options,
    signal,
  });
}
