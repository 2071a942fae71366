/** Why there is nothing to draw, or nothing new, at more length than beside the time range. */
import type { FreshnessState } from '../../metrics/freshness.ts';
import { freshness, tryAgain } from '../../state/metrics.ts';

const sentences: Partial<Record<FreshnessState, string>> = {
  absent:
    'This mesh runs without Prometheus: the bff has no PROMETHEUS_URL, so there is nothing to draw. Everything else works without it.',
  prometheus:
    'The bff has asked Prometheus and got no answer. The mesh itself may be well: what is missing is only its measurements.',
  unreachable: 'The bff, which asks Prometheus for this page, does not answer.',
  refused: 'The bff says that you may not see this. If you have just been made an operator, sign out and in again.',
};

export function Unavailable() {
  const { state, why } = freshness.value;
  const sentence = sentences[state] ?? (state === 'failed' ? why : undefined);
  if (sentence === undefined) return null;
  return (
    <div class="hint" data-testid="metrics-unavailable" data-why={state}>
      <p>{sentence}</p>
      <button type="button" class="button button-quiet button-small" onClick={tryAgain}>
        Ask again now
      </button>
    </div>
  );
}
