/** All scenarios there are, in the order of the report. */
import { byteByByte } from './byte-by-byte.ts';
import { flood } from './flood.ts';
import { halfOpen } from './half-open.ts';
import { malformed } from './malformed.ts';
import { oversized } from './oversized.ts';
import { reconnectStorm } from './reconnect-storm.ts';
import { refusedTokens } from './refused-tokens.ts';
import { replaced } from './replaced.ts';
import { revoked } from './revoked.ts';
import type { Scenario } from './scenario.ts';
import { silent } from './silent.ts';
import { valid } from './valid.ts';

export const scenarios: readonly Scenario[] = [
  valid,
  ...refusedTokens,
  revoked,
  malformed,
  oversized,
  byteByByte,
  silent,
  flood,
  reconnectStorm,
  halfOpen,
  replaced,
];

/** The scenario of this name; the name was checked when the mix was read. */
export function scenarioOf(name: string): Scenario {
  const found = scenarios.find((scenario) => scenario.name === name);
  if (found === undefined) throw new Error(`no scenario is called ${name}`);
  return found;
}
