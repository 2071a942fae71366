/** The steps an order has made, oldest first, each with its time. */
import type { OrderTransition } from '@ballast/contracts';
import { labelOf, toneOf, wordsOf } from '../saga/words.ts';
import { elapsedMilliseconds, formatClock, formatDuration } from '../format/time.ts';

export function OrderHistory({ history, done }: { history: readonly OrderTransition[]; done: boolean }) {
  return (
    <ol class="history" data-testid="history">
      {history.map((step, index) => {
        const before = history[index - 1];
        return (
          <li key={step.seq} class={`step step-${toneOf(step.to)}`} data-testid="history-step" data-state={step.to}>
            <span class="step-state">{labelOf(step.to)}</span>
            <span class="step-event">{wordsOf(step.event)}</span>
            <span class="step-time">
              <time dateTime={step.at}>{formatClock(step.at)}</time>
              {before !== undefined && (
                <span class="step-elapsed">+{formatDuration(elapsedMilliseconds(before.at, step.at))}</span>
              )}
            </span>
          </li>
        );
      })}
      {!done && (
        <li class="step step-next">
          <span class="step-state">Waiting for the next step…</span>
        </li>
      )}
    </ol>
  );
}
