/** What must never be out of sight: how live the page is, the phase, what is broken, and the way to heal it all. */
import { healAll } from '../../api/chaos.ts';
import { connectionDetail, connectionWords } from '../../chaos/connection.ts';
import { phaseLooks } from '../../chaos/words.ts';
import { formatDuration, plural } from '../../format/time.ts';
import { clock, connection, faults, invariants, isKnown, meshNow, phase, tryAgain } from '../../state/chaos-live.ts';
import { useAction } from './action.ts';
import { Problem } from './problem.tsx';

export function StatusBar() {
  const active = faults.value.filter(({ state }) => state === 'active').length;
  const violated = invariants.value?.items.filter(({ state }) => state === 'violated').length ?? 0;
  const action = useAction();
  return (
    <div class="chaos-status" data-testid="chaos-status">
      <div class="chaos-status-row">
        <ConnectionWords />
        {connection.value.state === 'refused' && (
          <button type="button" class="button button-quiet button-small" onClick={tryAgain}>
            Try again
          </button>
        )}
        {isKnown.value && <PhaseChip />}
        {isKnown.value && (
          <p class="chaos-status-facts">
            {active > 0 && <strong data-testid="active-count">{plural(active, 'fault')} active</strong>}
            {violated > 0 && (
              <a href="#invariants" class="text-bad">
                <strong>{plural(violated, 'invariant')} violated</strong>
              </a>
            )}
          </p>
        )}
        <button
          type="button"
          class="button button-small heal-all"
          disabled={active === 0}
          aria-disabled={action.busy ? true : undefined}
          onClick={() => void action.run(healAll)}
          data-testid="heal-all"
        >
          {action.busy ? 'Healing…' : 'Heal all'}
        </button>
      </div>
      <Problem sentence={action.problem} />
    </div>
  );
}

const refusals: Record<number, string> = {
  401: 'your session is over',
  403: 'only operators may see it',
  404: 'there is no live stream here',
};

function ConnectionWords() {
  const now = connection.value;
  const detail = now.state === 'refused' ? (refusals[now.status] ?? '') : connectionDetail(now, clock.value);
  return (
    <p
      class={`connection connection-${now.state}`}
      data-testid="chaos-connection"
      data-connection={now.state}
      data-heard={now.heardAt ?? ''}
    >
      <strong>{connectionWords[now.state]}</strong>
      {detail !== '' && <span>{detail}</span>}
    </p>
  );
}

function PhaseChip() {
  const now = phase.value;
  if (now === null) return null;
  const look = phaseLooks[now.phase];
  const since = Math.max(0, meshNow.value - Date.parse(now.since));
  return (
    <p class={`phase-chip tone-${look.tone}`} data-testid="phase" data-phase={now.phase}>
      <span aria-hidden="true">{look.sign}</span> <strong>{now.phase}</strong>{' '}
      <span class="phase-chip-since">for {formatDuration(Math.floor(since / 1000) * 1000)}</span>
    </p>
  );
}
