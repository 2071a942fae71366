/** The command line of `npm test`. */
import { parseArgs } from 'node:util';

const groups = ['static', 'unit', 'e2e'] as const;

/** `static` is checks without running, `unit` all tests on private parts, `e2e` journeys through a whole mesh. */
export type Group = (typeof groups)[number];

/** What to run. `filter` keeps what has this text in its name or path. */
export type Options = { only: Group | undefined; filter: string };

/** How it is used, for the person who got it wrong. */
export const usage = `npm test [-- --only ${groups.join('|')}] [-- --filter text]`;

/** Reads the arguments. @throws Error with a sentence when they are wrong. */
export function readOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: { only: { type: 'string' }, filter: { type: 'string', default: '' } },
  });
  const only = groups.find((group) => group === values.only);
  if (values.only !== undefined && only === undefined) {
    throw new Error(`--only takes one of ${groups.join(', ')}, not "${values.only}"`);
  }
  return { only, filter: values.filter };
}
