/** What replicas tell each other: who speaks, and which rows have changed to which revision. */
import { Type } from 'typebox';
import { Compile } from 'typebox/compile';

/** A row has been written: the copy of `key` with `revision`, or a later one, is what readers are to see from now on. */
export interface Change {
  key: string;
  revision: number;
}

const check = Compile(
  Type.Tuple([
    Type.String(),
    Type.Array(Type.Tuple([Type.String(), Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })])),
  ]),
);

/** `from` names the process, so that nobody answers to itself. */
export function writeMessage(from: string, changes: readonly Change[]): string {
  return JSON.stringify([from, changes.map(({ key, revision }) => [key, revision])]);
}

/** Null for what is no such message: a channel is open to anyone who can reach Redis. */
export function readMessage(text: string): { from: string; changes: Change[] } | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
  if (!check.Check(value)) return null;
  const [from, changes] = value;
  return { from, changes: changes.map(([key, revision]) => ({ key, revision })) };
}
