/** The one error a person is meant to read: a sentence that names the component, its address, what was tried and the fix. */

/** Thrown by everything in the lab that can fail for a reason a person can act on; `message` is complete and is shown without a stack. */
export class LabProblem extends Error {
  readonly component: string;

  constructor(component: string, sentence: string, options?: ErrorOptions) {
    super(sentence, options);
    this.name = 'LabProblem';
    this.component = component;
  }
}

/** The text of anything that was thrown: a problem's sentence, an error's message, or the value itself. */
export function describe(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

/** True when `thrown` is a Node system error with the given code, such as `ENOENT`. */
export function hasCode(thrown: unknown, code: string): boolean {
  return thrown instanceof Error && 'code' in thrown && thrown.code === code;
}
