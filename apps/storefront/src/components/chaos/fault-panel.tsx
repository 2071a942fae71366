/** The panel beside the drawing: how the thing that was chosen is, and the ways to break it. */
import { useEffect, useRef } from 'preact/hooks';
import { optionsFor, targetName } from '../../chaos/fault-options.ts';
import type { Target } from '../../chaos/fault-options.ts';
import { sentenceOf } from '../../api/errors.ts';
import { chosen, targets, targetsError } from '../../state/chaos-targets.ts';
import { Icon } from '../icons.tsx';
import { FaultForm } from './fault-form.tsx';
import { Problem } from './problem.tsx';
import { TargetFacts } from './target-facts.tsx';

export function FaultPanel() {
  const target = chosen.value;
  // A panel that opens anew begins with nothing set.
  return target === null ? null : <OpenPanel key={targetName(target)} target={target} />;
}

function OpenPanel({ target }: { target: Target }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    // Opened as a modal the browser keeps the focus inside, closes it with Escape, and gives the focus back.
    dialog.current?.showModal();
  }, []);
  const close = (): void => dialog.current?.close();
  const told = targets.value;
  const groups = told === null ? [] : optionsFor(target, told);
  return (
    <dialog
      ref={dialog}
      class={`fault-panel${target.kind === 'controls' ? ' fault-panel-controls' : ''}`}
      aria-labelledby="fault-panel-title"
      data-testid="fault-panel"
      onClose={() => {
        chosen.value = null;
      }}
      onClick={(event) => {
        // A click beside the panel hits the dialog's own backdrop.
        if (event.target === dialog.current) close();
      }}
    >
      <div class="fault-panel-inside">
        <header class="fault-panel-head">
          <h2 id="fault-panel-title">{targetName(target)}</h2>
          <button type="button" class="icon-button" onClick={close} aria-label="Close">
            <Icon name="close" />
          </button>
        </header>
        <TargetFacts target={target} />
        {told === null && targetsError.value === null && <p class="small">Asking what can be broken…</p>}
        {told === null && <Problem sentence={targetsError.value === null ? null : sentenceOf(targetsError.value)} />}
        {told !== null && groups.length === 0 && <p>Nothing can be broken here by itself. Choose one of its links.</p>}
        {groups.length > 0 && <FaultForm groups={groups} onDone={close} />}
      </div>
    </dialog>
  );
}
