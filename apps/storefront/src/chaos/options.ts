/** One way to break something, with what can be set about it. Pure. */
import type { FaultRequest } from '@ballast/contracts';

/** What a person has set, by the input's name. */
export type Values = Readonly<Record<string, string | number>>;

export type NumberInput = {
  kind: 'number';
  name: string;
  label: string;
  /** Behind the label: `ms`, `KB/s`. */
  unit: string;
  min: number;
  max: number;
  initial: number;
  /** Shown only while this is so. */
  when?: (values: Values) => boolean;
};

export type ChoiceInput = {
  kind: 'choice';
  name: string;
  label: string;
  choices: readonly { value: string; label: string }[];
};

export type Input = NumberInput | ChoiceInput;

export type FaultOption = {
  id: string;
  label: string;
  /** What will be seen, in a sentence. */
  note: string;
  /** False where it is over at once: then no duration is asked for. */
  lasts: boolean;
  inputs: readonly Input[];
  /** Why it cannot be done here; null where it can. */
  unavailable: string | null;
  build(values: Values, seconds: number): FaultRequest;
};

/** Seconds a fault may last, as offered; the contract allows shorter ones for experiments. */
export const shortest = 5;
export const longest = 120;
export const usual = 30;

/** What is sent for something that is over at once. */
const momentarySeconds = 1;

/** Whether an input matters with what is set now. */
export function isAsked(input: Input, values: Values): boolean {
  return input.kind === 'choice' || input.when === undefined || input.when(values);
}

/** The values an option begins with. */
export function initialValues(option: FaultOption): Record<string, string | number> {
  return Object.fromEntries(
    option.inputs.map((input) => [
      input.name,
      input.kind === 'number' ? input.initial : (input.choices[0]?.value ?? ''),
    ]),
  );
}

/** The request for an option as it is set: numbers are brought within their bounds, durations too. */
export function requestFor(option: FaultOption, values: Values, seconds: number): FaultRequest {
  const bounded: Record<string, string | number> = { ...initialValues(option), ...values };
  for (const input of option.inputs) {
    if (input.kind === 'number') bounded[input.name] = within(bounded[input.name], input);
  }
  return option.build(
    bounded,
    option.lasts ? within(seconds, { min: shortest, max: longest, initial: usual }) : momentarySeconds,
  );
}

function within(value: unknown, { min, max, initial }: Pick<NumberInput, 'min' | 'max' | 'initial'>): number {
  return typeof value === 'number' && Number.isFinite(value)
    ? Math.min(max, Math.max(min, Math.round(value)))
    : initial;
}
