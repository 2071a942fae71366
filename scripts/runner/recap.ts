/** What failed, once more and in short, for the end of the output: often all that is kept of a long log. */

/** A check or a process of tests that failed. `failures` has one text for each, `output` is what it printed. */
export type Failed = { name: string; failures: readonly string[]; output: string };

/** How many of them are shown, and characters of each. */
const [shown, length] = [10, 800];

/** The lines of the recap; none where nothing failed. */
export function recap(failed: readonly Failed[]): string[] {
  const all = failed.flatMap(({ name, failures, output }) =>
    failures.map((failure) => ({ name, text: failure === '' ? lastOf(output.trim()) : firstOf(failure.trim()) })),
  );
  const lines = all.slice(0, shown).flatMap(({ name, text }) => [`failed   ${name}`, ...indented(text)]);
  return all.length > shown ? [...lines, `and ${all.length - shown} more`] : lines;
}

function indented(text: string): string[] {
  return text === '' ? [] : text.split('\n').map((line) => (line === '' ? '' : `    ${line}`));
}

/** A test's error says what was wrong first. */
function firstOf(text: string): string {
  return text.length > length ? `${text.slice(0, length)}…` : text;
}

/** A tool says it last. */
function lastOf(text: string): string {
  return text.length > length ? `…${text.slice(-length)}` : text;
}
