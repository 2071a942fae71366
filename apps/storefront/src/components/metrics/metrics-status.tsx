/** How fresh the page is, how far it looks back, and the way to make it hold still. */
import { freshnessDetail, freshnessWords } from '../../metrics/freshness.ts';
import { metricsAddress } from '../../metrics/ranges.ts';
import type { MetricsRange } from '../../metrics/ranges.ts';
import { navigate } from '../../router.ts';
import { clock, freshness, isPaused, minutes } from '../../state/metrics.ts';

/** The ranges, in minutes, shortest first. */
const rangeWords: readonly [minutes: MetricsRange, words: string][] = [
  [5, '5 min'],
  [15, '15 min'],
  [60, '1 h'],
  [360, '6 h'],
];

export function MetricsStatus() {
  return (
    <div class="metrics-status" data-testid="metrics-status">
      <FreshnessWords />
      <RangeChoice />
      <button
        type="button"
        class="button button-quiet button-small metrics-pause"
        aria-pressed={isPaused.value}
        onClick={() => {
          isPaused.value = !isPaused.value;
        }}
      >
        Pause
      </button>
    </div>
  );
}

function FreshnessWords() {
  const now = freshness.value;
  const detail = freshnessDetail(now, clock.value);
  return (
    <p class={`connection connection-${now.state}`} data-testid="metrics-freshness" data-freshness={now.state}>
      <strong>{freshnessWords[now.state]}</strong>
      {detail !== '' && <span>{detail}</span>}
    </p>
  );
}

function RangeChoice() {
  const chosen = minutes.value;
  return (
    <fieldset class="range-choice">
      <legend class="visually-hidden">Time range</legend>
      {rangeWords.map(([range, words]) => (
        <label key={range} class="range-option">
          <input
            type="radio"
            name="range"
            value={range}
            checked={range === chosen}
            onChange={() => navigate(metricsAddress(range), { replace: true, quiet: true })}
          />
          <span>{words}</span>
        </label>
      ))}
    </fieldset>
  );
}
