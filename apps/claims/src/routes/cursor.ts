/** Where a page of claims ends: opaque to callers, a claim's id to us. */
import { ProblemError } from '@ballast/service';

/** Larger than any UUIDv7: the first page has no claim to start after. */
const afterAll = 'ffffffff-ffff-ffff-ffff-ffffffffffff';

export const writeCursor = (claimId: string): string => Buffer.from(claimId).toString('base64url');

/** The id the page starts after; throws a 422 for anything `writeCursor` has not written. */
export function readCursor(cursor: string | undefined): string {
  if (cursor === undefined) return afterAll;
  const id = Buffer.from(cursor, 'base64url').toString();
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id) || writeCursor(id) !== cursor)
    throw new ProblemError('invalid-input', 'cursor is not one that a page was answered with.', { field: 'cursor' });
  return id;
}
