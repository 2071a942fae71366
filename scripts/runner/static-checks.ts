/** The checks that run nothing of ours: each a command of an installed tool, green when it exits with 0. */
import { join } from 'node:path';

/** A check. All its commands must succeed; a command is the path of a program below the root and its arguments. */
export type StaticCheck = { name: string; commands: readonly (readonly [string, ...string[]])[] };

/** How long one command of a check may take, in milliseconds. */
export const checkLimit = 5 * 60_000;

/** In the order in which they run. */
export const staticChecks: readonly StaticCheck[] = [
  { name: 'format', commands: [[tool('oxfmt'), '--check']] },
  {
    name: 'types',
    commands: [
      tsc('tsconfig.json'),
      tsc('e2e/tsconfig.json'),
      tsc('apps/storefront/tsconfig.json'),
      tsc('apps/storefront/test/tsconfig.json'),
    ],
  },
  { name: 'lint', commands: [[tool('oxlint'), '--type-aware', '--deny-warnings']] },
  { name: 'boundaries', commands: [[tool('node'), 'scripts/boundaries.ts']] },
  { name: 'unused', commands: [[tool('knip'), '--no-progress', '--no-config-hints']] },
];

/** On two cores each of its threads finds out anew what the others know: one is quicker, and takes half of the machine. */
function tsc(project: string): [string, ...string[]] {
  return [tool('tsc'), '--noEmit', '--singleThreaded', '-p', project];
}

function tool(name: string): string {
  return join('node_modules', '.bin', name);
}
