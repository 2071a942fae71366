/** Where a page of products ends: opaque to callers, a place in the list's order to us. */
import { Uuid } from '@ballast/contracts';
import { Type, type Static } from 'typebox';
import { Compile } from 'typebox/compile';

const largestPosition = 2_147_483_647;
const Cursor = Type.Tuple([Type.Integer({ minimum: -largestPosition - 1, maximum: largestPosition }), Uuid]);
const cursorCheck = Compile(Cursor);

/** Position and product id of the last product of a page. */
export type Cursor = Static<typeof Cursor>;

export const writeCursor = (cursor: Cursor): string => Buffer.from(JSON.stringify(cursor)).toString('base64url');

/** Null for anything `writeCursor` has not written. */
export function readCursor(text: string): Cursor | null {
  const decoded = Buffer.from(text, 'base64url').toString();
  // Decoding skips over what is not base64url, so only a text that comes out the same again is one of ours.
  if (Buffer.from(decoded).toString('base64url') !== text) return null;
  let value: unknown;
  try {
    value = JSON.parse(decoded);
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
  return cursorCheck.Check(value) ? value : null;
}
