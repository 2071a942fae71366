/** How the last experiment ended: held or not, with its figures. Nothing before the first. */
import type { ExperimentState } from '@ballast/contracts';
import { durationOrNothing } from '../../chaos/receipts.ts';

export function ExperimentResult({ state }: { state: ExperimentState }) {
  const { result } = state;
  if (result === null) return null;
  return (
    <div
      class={`experiment-result tone-${result.passed ? 'good' : 'bad'}`}
      role="status"
      data-testid="experiment-result"
      data-passed={result.passed}
    >
      <p>
        <strong>
          {result.passed ? '✓ Passed' : '✕ Failed'}: {state.name ?? 'the experiment'}
        </strong>
        {state.phase === 'stopped' && ' (stopped before its end)'}
      </p>
      <dl class="load-facts">
        <div>
          <dt>faults</dt>
          <dd>{result.faults}</dd>
        </div>
        <div>
          <dt>requests failed</dt>
          <dd>
            {result.failed.toLocaleString('en')} of {result.requests.toLocaleString('en')}
          </dd>
        </div>
        <div>
          <dt>violated</dt>
          <dd>{result.violated.length === 0 ? 'none' : result.violated.map((number) => `no. ${number}`).join(', ')}</dd>
        </div>
        <div>
          <dt>recovery p50</dt>
          <dd>{durationOrNothing(result.recoveryP50)}</dd>
        </div>
        <div>
          <dt>recovery p99</dt>
          <dd>{durationOrNothing(result.recoveryP99)}</dd>
        </div>
      </dl>
    </div>
  );
}
