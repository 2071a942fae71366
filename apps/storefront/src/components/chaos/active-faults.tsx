/** What is broken now, counting down, each healed by one click. */
import type { Fault } from '@ballast/contracts';
import { healFault } from '../../api/chaos.ts';
import { failedOf, secondsLeft, shareLeft, sortFaults } from '../../chaos/receipts.ts';
import { faults, meshNow } from '../../state/chaos-live.ts';
import { choose } from '../../state/chaos-targets.ts';
import { useAction } from './action.ts';
import { Problem } from './problem.tsx';

export function ActiveFaults() {
  const { active } = sortFaults(faults.value, 0);
  return (
    <section class="chaos-card" aria-labelledby="active-faults">
      <h2 id="active-faults">Broken now</h2>
      {active.length === 0 ? (
        <p class="small" data-testid="nothing-broken">
          Nothing. Choose something in the mesh, run the drill, or{' '}
          <button type="button" class="link-button" onClick={() => choose({ kind: 'controls', invariant: null })}>
            switch a safeguard off
          </button>
          .
        </p>
      ) : (
        <ul class="active-faults" data-testid="active-faults">
          {active.map((fault) => (
            <ActiveFault key={fault.id} fault={fault} />
          ))}
        </ul>
      )}
    </section>
  );
}

function ActiveFault({ fault }: { fault: Fault }) {
  const now = meshNow.value;
  const left = secondsLeft(fault, now);
  const action = useAction();
  return (
    <li class={`active-fault${fault.request.kind === 'control' ? ' active-fault-control' : ''}`} data-fault={fault.id}>
      <div class="active-fault-head">
        <strong>{fault.title}</strong>
        <button
          type="button"
          class="button button-quiet button-small"
          aria-label={`Heal: ${fault.title}`}
          aria-disabled={action.busy ? true : undefined}
          onClick={() => void action.run(() => healFault(fault.id))}
        >
          {action.busy ? 'Healing…' : 'Heal'}
        </button>
      </div>
      <progress class="level" max={1} value={shareLeft(fault, now)} aria-label={`${left} seconds left`} />
      <p class="small active-fault-facts">
        <span data-testid="seconds-left">{left} s left</span>
        <span>failed: {failedOf(fault)}</span>
      </p>
      <Problem sentence={action.problem} />
    </li>
  );
}
