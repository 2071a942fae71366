/** Experiments as files: what is exported, and what is taken in. Loaded when a file is chosen, TypeBox with it. */
import { Experiment } from '@ballast/contracts';
import { Value } from 'typebox/value';

export type ReadFile = { experiment: Experiment; problem: null } | { experiment: null; problem: string };

/** The longest file that is read, in bytes: the contract's 2,000 steps are far shorter. */
export const longestFile = 2_000_000;

/** Problems named one by one. */
const namedProblems = 3;

/** Reads an experiment from a file's text. What is not one is answered with a sentence that says why. */
export function readExperiment(text: string): ReadFile {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return refused(`This is not JSON: ${error.message}.`);
  }
  if (Value.Check(Experiment, value)) {
    const late = value.steps.filter(({ at }) => at > value.seconds).length;
    if (late > 0) {
      return refused(`${late} of its ${value.steps.length} steps would come after its end (${value.seconds} s).`);
    }
    return { experiment: value, problem: null };
  }
  const errors = Value.Errors(Experiment, value);
  // Of a step that matches none of the kinds every kind's complaints are told; the place is what helps.
  const places = [...new Set(errors.map(({ instancePath, message }) => `${placeOf(instancePath)} ${message}`))];
  const named = places.slice(0, namedProblems).join('; ');
  return refused(`This is not an experiment: ${named}${places.length > namedProblems ? '; …' : ''}.`);
}

function placeOf(path: string): string {
  return path === '' ? 'the file' : path.slice(1).replaceAll('/', '.');
}

function refused(problem: string): ReadFile {
  return { experiment: null, problem };
}
