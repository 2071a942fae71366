/** A labelled input with its hint and its error, tied together for everyone. */
import type { TargetedInputEvent } from 'preact';

type FieldProps = {
  name: string;
  type: 'email' | 'password';
  label: string;
  value: string;
  autoComplete: string;
  onInput: (value: string) => void;
  hint?: string | undefined;
  error?: string | undefined;
};

export function Field({ name, type, label, value, autoComplete, onInput, hint, error }: FieldProps) {
  const describedBy = [hint === undefined ? '' : `${name}-hint`, error === undefined ? '' : `${name}-error`].filter(
    (id) => id !== '',
  );
  const attributes = {
    id: name,
    name,
    class: 'input',
    autoComplete,
    autoCapitalize: 'none',
    spellcheck: false,
    required: true,
    value,
    'aria-invalid': error === undefined ? undefined : true,
    'aria-describedby': describedBy.length === 0 ? undefined : describedBy.join(' '),
    onInput: (event: TargetedInputEvent<HTMLInputElement>) => onInput(event.currentTarget.value),
  } as const;
  return (
    <div class="field">
      <label class="field-label" for={name}>
        {label}
      </label>
      {hint !== undefined && (
        <p class="field-hint" id={`${name}-hint`}>
          {hint}
        </p>
      )}
      {type === 'email' ? <input type="email" {...attributes} /> : <input type="password" {...attributes} />}
      {error !== undefined && (
        <p class="field-error" id={`${name}-error`} data-testid={`${name}-error`}>
          {error}
        </p>
      )}
    </div>
  );
}
