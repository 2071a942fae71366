/** The frame every demonstration has: what it is about, its controls, what is going on, and what came of it. */
import type { ComponentChildren } from 'preact';
import { sentenceOf } from '../../api/errors.ts';
import { labAccess } from '../../lab/access.ts';
import { session } from '../../state/session.ts';
import { plural } from '../../format/time.ts';
import { Icon } from '../icons.tsx';
import { Curl } from './curl.tsx';
import type { NamedCall } from './curl.tsx';
import { CannotGoOn } from './task.ts';
import type { Task } from './task.ts';

type DemonstrationProps = {
  id: string;
  title: string;
  /** What will be seen, in a sentence or two. */
  lead: ComponentChildren;
  task: Task;
  /** Label of the button that runs it. */
  action: string;
  onRun: () => void;
  /** Inputs before the button. */
  inputs?: ComponentChildren;
  /** Buttons after it. They work while it runs. */
  more?: ComponentChildren;
  /** Why it cannot run just now, where that is not for want of rights. */
  hindrance?: string | null;
  /** What came of it, in a sentence that is read aloud; empty before the first run. */
  summary: string;
  calls: readonly NamedCall[];
  /** The result in full. */
  children?: ComponentChildren;
};

export function Demonstration(props: DemonstrationProps) {
  const { id, title, task, summary } = props;
  const access = labAccess(session.value);
  const hindrance = access.allowed ? (props.hindrance ?? null) : access.reason;
  return (
    <section class="demo" id={id} aria-labelledby={`${id}-title`} data-testid={`demo-${id}`} data-busy={task.busy}>
      <h4 id={`${id}-title`}>
        <span class="demo-word">Drive it</span> {title}
      </h4>
      <p class="demo-lead">{props.lead}</p>
      <form
        class="demo-form"
        onSubmit={(event) => {
          event.preventDefault();
          if (!task.busy && task.cooling === 0) props.onRun();
        }}
      >
        {props.inputs !== undefined && (
          <fieldset class="demo-inputs" disabled={!access.allowed || task.busy}>
            <legend class="visually-hidden">{title}</legend>
            {props.inputs}
          </fieldset>
        )}
        <div class="demo-buttons">
          {/* Not disabled while it runs: the focus would be lost. */}
          <button
            type="submit"
            class="button"
            disabled={hindrance !== null}
            aria-disabled={task.busy || task.cooling > 0 ? true : undefined}
            aria-describedby={hindrance === null ? undefined : `${id}-hindrance`}
            data-testid={`run-${id}`}
          >
            {task.busy ? 'Running…' : task.cooling > 0 ? `Again in ${plural(task.cooling, 'second')}` : props.action}
          </button>
          {props.more}
        </div>
        {hindrance !== null && (
          <p class="small" id={`${id}-hindrance`}>
            {hindrance}
          </p>
        )}
      </form>
      <p class="demo-progress" aria-live="polite">
        {task.progress}
      </p>
      {task.error !== null && (
        <div class="message message-problem" role="alert">
          <Icon name="alert" />
          <p>{task.error instanceof CannotGoOn ? task.error.message : sentenceOf(task.error)}</p>
        </div>
      )}
      <p class="demo-summary" role="status" data-testid={`summary-${id}`}>
        {summary}
      </p>
      {props.children}
      <Curl calls={props.calls} />
    </section>
  );
}

/** A further button of a demonstration. */
export function SideButton({
  children,
  onClick,
  disabled = false,
  testId,
}: {
  children: ComponentChildren;
  onClick: () => void;
  disabled?: boolean;
  testId: string;
}) {
  return (
    <button type="button" class="button button-quiet" disabled={disabled} onClick={onClick} data-testid={testId}>
      {children}
    </button>
  );
}
