/** What analytics has counted, read from its `/metrics` (Prometheus text format 0.0.4). */
import { rejectionReasons } from '@ballast/contracts';
import { Problem, wordsOf } from './problem.ts';

/** Totals since ever, and the two gauges. */
export interface Counted {
  attempts: number;
  accepted: number;
  /** By reason. */
  rejected: Record<string, number>;
  telemetry: number;
  connections: number;
  sessions: number;
}

const timeoutMs = 5_000;
const sample = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)(?: \d+)?$/;
const label = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"/g;

/** Reads the text of `/metrics`. Throws a {@link Problem} where a metric that is promised is not there. */
export function readCounted(text: string): Counted {
  const sums = new Map<string, number>();
  for (const line of text.split('\n')) {
    const [, name, labels = '', value] = sample.exec(line) ?? [];
    if (name === undefined) continue;
    const by = Object.fromEntries([...labels.matchAll(label)].map(([, key, text]) => [key, text]));
    const key =
      name === 'auth_failures_total'
        ? `${name} ${by['reason']}`
        : name === 'device_telemetry_total'
          ? `${name} ${by['outcome']}`
          : name;
    sums.set(key, (sums.get(key) ?? 0) + Number(value));
  }
  const sum = (key: string): number => {
    const found = sums.get(key);
    if (found === undefined || !Number.isFinite(found)) throw new Problem(`it has no ${key}`);
    return found;
  };
  return {
    attempts: sum('auth_attempts_total'),
    accepted: sum('auth_success_total'),
    rejected: Object.fromEntries(
      rejectionReasons.map((reason) => [reason, sums.get(`auth_failures_total ${reason}`) ?? 0]),
    ),
    telemetry: sum('device_telemetry_total received'),
    connections: sum('active_connections_total'),
    sessions: sum('active_sessions'),
  };
}

/** Asks analytics at `url`. Throws a {@link Problem} that says what is the matter. */
export async function askAnalytics(url: string): Promise<Counted> {
  try {
    const response = await fetch(`${url}/metrics`, { signal: AbortSignal.timeout(timeoutMs) });
    const text = await response.text();
    if (!response.ok) throw new Problem(`it answers with ${response.status}`);
    return readCounted(text);
  } catch (error) {
    throw new Problem(`analytics at ${url}/metrics: ${wordsOf(error)}; leave it out with --no-analytics`);
  }
}

const settleMs = 10_000;
/** Longer than between two reports of a gateway. */
const quietMs = 1_500;

/** Asks until two answers are alike, so that nothing from before is still on its way; `settled` is false where that took too long. */
export async function askSettled(url: string): Promise<{ counted: Counted; settled: boolean }> {
  const deadline = performance.now() + settleMs;
  let counted = await askAnalytics(url);
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, quietMs));
    const next = await askAnalytics(url);
    const settled = JSON.stringify(next) === JSON.stringify(counted);
    counted = next;
    if (settled || performance.now() > deadline) return { counted, settled };
  }
}
