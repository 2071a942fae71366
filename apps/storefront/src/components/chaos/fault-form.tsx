/** Which way to break it, how hard and for how long. */
import { useState } from 'preact/hooks';
import { injectFault } from '../../api/chaos.ts';
import type { OptionGroup } from '../../chaos/fault-options.ts';
import { initialValues, isAsked, longest, requestFor, shortest, usual } from '../../chaos/options.ts';
import type { FaultOption, Input, Values } from '../../chaos/options.ts';
import { impactOf } from '../../chaos/words.ts';
import { speak } from '../../state/announcements.ts';
import { NumberField, SelectField } from '../lab/fields.tsx';
import { useAction } from './action.ts';
import { Problem } from './problem.tsx';
import { Slider } from './slider.tsx';

export function FaultForm({ groups, onDone }: { groups: readonly OptionGroup[]; onDone: () => void }) {
  const options = groups.flatMap((group) => group.options);
  const [id, setId] = useState<string | null>(null);
  const [values, setValues] = useState<Values>({});
  const [seconds, setSeconds] = useState(usual);
  const action = useAction();
  const option = options.find((known) => known.id === id && known.unavailable === null);

  const choose = (next: FaultOption): void => {
    setId(next.id);
    setValues(initialValues(next));
    action.tell(null);
  };
  const inject = async (): Promise<void> => {
    if (option === undefined) return;
    const request = requestFor(option, values, seconds);
    let refused: string | null = null;
    const sent = await action.run(async () => {
      const fault = await injectFault(request);
      if (fault.state === 'failed') refused = fault.detail ?? 'The fault could not be injected.';
    });
    if (refused !== null) action.tell(refused);
    if (!sent || refused !== null) return;
    speak(`Injected: ${impactOf(request)}.`);
    onDone();
  };

  return (
    <form
      class="fault-form"
      onSubmit={(event) => {
        event.preventDefault();
        void inject();
      }}
    >
      {groups.map((group) => (
        <fieldset key={group.title} class="fault-group">
          <legend>{group.title}</legend>
          {group.note !== '' && <p class="fault-group-note">{group.note}</p>}
          {group.options.map((known) => (
            <div key={known.id} class="fault-option">
              <OptionChoice option={known} isChosen={known === option} onChoose={() => choose(known)} />
              {known === option && <OptionInputs option={known} values={values} onChange={setValues} />}
            </div>
          ))}
        </fieldset>
      ))}
      <div class="fault-send">
        {option?.lasts === true && (
          <Slider
            id="fault-seconds"
            label="Lasts"
            unit="s"
            min={shortest}
            max={longest}
            step={5}
            value={seconds}
            onChange={setSeconds}
          />
        )}
        {option?.lasts === false && <p class="small">It is over at once; what follows is seen on the board.</p>}
        <Problem sentence={action.problem} />
        <button
          type="submit"
          class="button button-wide"
          disabled={option === undefined}
          aria-disabled={action.busy ? true : undefined}
          data-testid="inject"
        >
          {action.busy ? 'Injecting…' : option === undefined ? 'Choose what to break' : `Inject: ${option.label}`}
        </button>
      </div>
    </form>
  );
}

function OptionChoice({
  option,
  isChosen,
  onChoose,
}: {
  option: FaultOption;
  isChosen: boolean;
  onChoose: () => void;
}) {
  const refused = option.unavailable !== null;
  return (
    <label class={`choice fault-choice${refused ? ' fault-choice-refused' : ''}`}>
      <input
        type="radio"
        name="fault"
        value={option.id}
        checked={isChosen}
        disabled={refused}
        onChange={onChoose}
        data-testid={`option-${option.id}`}
      />
      <span class="choice-text">
        <span class="choice-label">{option.label}</span>
        <span class="choice-note">{option.unavailable ?? option.note}</span>
      </span>
    </label>
  );
}

type OptionInputsProps = { option: FaultOption; values: Values; onChange: (values: Values) => void };

/** What can be set about the option that is chosen; nothing where nothing can. */
function OptionInputs({ option, values, onChange }: OptionInputsProps) {
  const asked = option.inputs.filter((input) => isAsked(input, values));
  if (asked.length === 0) return null;
  return (
    <div class="fault-inputs">
      {asked.map((input) => (
        <OptionInput
          key={input.name}
          input={input}
          value={values[input.name]}
          onChange={(value) => onChange({ ...values, [input.name]: value })}
        />
      ))}
    </div>
  );
}

type OptionInputProps = {
  input: Input;
  value: string | number | undefined;
  onChange: (value: string | number) => void;
};

function OptionInput({ input, value, onChange }: OptionInputProps) {
  const id = `fault-input-${input.name}`;
  if (input.kind === 'number') {
    return (
      <NumberField
        id={id}
        label={`${input.label} (${input.unit})`}
        value={typeof value === 'number' ? value : input.initial}
        min={input.min}
        max={input.max}
        onChange={onChange}
      />
    );
  }
  return (
    <SelectField id={id} label={input.label} value={String(value ?? '')} onChange={onChange}>
      {input.choices.map((choice) => (
        <option key={choice.value} value={choice.value}>
          {choice.label}
        </option>
      ))}
    </SelectField>
  );
}
