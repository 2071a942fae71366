/** An order's state as a small label; its colour only repeats what the word says. */
import { labelOf, toneOf } from '../saga/words.ts';

export function StateBadge({ state }: { state: string }) {
  return (
    <span class={`badge badge-${toneOf(state)}`} data-testid="order-state" data-state={state}>
      {labelOf(state)}
    </span>
  );
}
