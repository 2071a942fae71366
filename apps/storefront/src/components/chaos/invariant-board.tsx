/** The invariants, judged from rows once a second: what holds, what settles, what is violated, and by whom. */
import { useState } from 'preact/hooks';
import type { Verdict } from '@ballast/contracts';
import { verdictLooks } from '../../chaos/words.ts';
import { formatDuration, plural } from '../../format/time.ts';
import { invariants, meshNow } from '../../state/chaos-live.ts';
import { choose } from '../../state/chaos-targets.ts';

export function InvariantBoard() {
  const verdicts = invariants.value;
  return (
    <section class="chaos-section" aria-labelledby="invariants">
      <div class="chaos-card-head">
        <h2 id="invariants">Invariants</h2>
        <button
          type="button"
          class="button button-quiet button-small"
          onClick={() => choose({ kind: 'controls', invariant: null })}
          data-testid="controls"
        >
          Negative controls
        </button>
      </div>
      {verdicts === null ? (
        <p class="small">The auditor has not been heard yet: nothing is known of the invariants.</p>
      ) : (
        <>
          <p class="small" data-testid="board-summary">
            {summaryOf(verdicts.items)} Judged from rows by a service that may only read, at all times, also while
            things are broken.
          </p>
          <ul class="board" data-testid="board">
            {verdicts.items.map((verdict) => (
              <Invariant key={verdict.invariant} verdict={verdict} />
            ))}
          </ul>
        </>
      )}
    </section>
  );
}

function summaryOf(items: readonly Verdict[]): string {
  const holding = items.filter(({ state }) => state === 'holds').length;
  return `${holding} of ${items.length} hold.`;
}

function Invariant({ verdict }: { verdict: Verdict }) {
  const [open, setOpen] = useState(false);
  const look = verdictLooks[verdict.state];
  return (
    <li
      class={`invariant tone-${look.tone}`}
      data-invariant={verdict.invariant}
      data-state={verdict.state}
      data-testid={`invariant-${verdict.invariant}`}
    >
      <details open={open} onToggle={(event) => setOpen(event.currentTarget.open)}>
        <summary>
          <span class="invariant-state">
            <span class="invariant-sign" aria-hidden="true">
              {look.sign}
            </span>
            <strong>{look.word}</strong>
            <span class="small">no. {verdict.invariant}</span>
          </span>
          <span class="invariant-title">{verdict.title}</span>
        </summary>
        {open && <InvariantDetails verdict={verdict} />}
      </details>
    </li>
  );
}

function InvariantDetails({ verdict }: { verdict: Verdict }) {
  const { checkedAt, offending, offendingTotal } = verdict;
  return (
    <div class="invariant-details">
      <p>{verdict.detail}</p>
      <dl class="lab-facts">
        <div>
          <dt>Must hold</dt>
          <dd>{verdict.when === 'always' ? 'at any time' : 'once faults are healed'}</dd>
        </div>
        <div>
          <dt>Looks, and those that found it broken</dt>
          <dd>
            {verdict.checks.toLocaleString('en')}, {verdict.violations.toLocaleString('en')}
          </dd>
        </div>
        <div>
          <dt>Last look</dt>
          <dd>{checkedAt === null ? 'none yet' : <LookAge at={checkedAt} took={verdict.milliseconds} />}</dd>
        </div>
      </dl>
      {offendingTotal > 0 && (
        <>
          <p>
            <strong>{plural(offendingTotal, 'offender')}</strong>
            {offendingTotal > offending.length && `, the first ${offending.length} of them`}:
          </p>
          {/* It scrolls where there are many: then a keyboard has to get to it. */}
          <ul class="offending" tabIndex={0} aria-label="Offenders">
            {offending.map((id) => (
              <li key={id}>
                <code>{id}</code>
              </li>
            ))}
          </ul>
        </>
      )}
      <button
        type="button"
        class="link-button"
        onClick={() => choose({ kind: 'controls', invariant: verdict.invariant })}
      >
        Break it on purpose
      </button>
    </div>
  );
}

function LookAge({ at, took }: { at: string; took: number }) {
  const age = Math.max(0, meshNow.value - Date.parse(at));
  return (
    <>
      {formatDuration(Math.round(age / 1000) * 1000)} ago, took {formatDuration(took)}
    </>
  );
}
